package preprocess

import (
	"fmt"
	"image"
	"image/color"
	"strings"
	"testing"
)

// The test vectors of ops_naflex_test.py of big_vision, in pixels.
func TestFitPatches(t *testing.T) {
	tests := []struct{ height, width, side, most, wantHeight, wantWidth int }{
		{48, 48, 3, 121, 33, 33},
		{112, 109, 7, 225, 105, 105},
		{176, 176, 11, 64, 88, 88},
		{256, 64, 16, 12, 96, 32},
		{256, 64, 8, 15, 56, 16},
		{63, 241, 16, 16, 32, 128},
		{16, 512, 16, 16, 16, 256},
	}
	for _, tt := range tests {
		w, h := fitPatches(tt.width, tt.height, tt.side, tt.most)
		if h != tt.wantHeight || w != tt.wantWidth {
			t.Errorf("%dx%d in %d patches of %d: %dx%d, want %dx%d",
				tt.height, tt.width, tt.most, tt.side, h, w, tt.wantHeight, tt.wantWidth)
		}
	}
}

// Each value tells the pixel that it came from.
func TestPatchOrder(t *testing.T) {
	p := parseNaFlex(t, 2, 6)
	for v := range 256 {
		for c := range p.levels {
			p.levels[c][v] = float32(v)
		}
	}
	img := image.NewNRGBA(image.Rect(0, 0, 6, 4)) // keeps its size: 2 x 3 patches
	for y := range 4 {
		for x := range 6 {
			img.SetNRGBA(x, y, color.NRGBA{byte(x), byte(y), byte(10*y + x), 255})
		}
	}
	got, err := p.Process(img)
	if err != nil || got.Rows != 2 || got.Columns != 3 || len(got.Values) != 72 {
		t.Fatalf("%d x %d, %d values, error %v", got.Rows, got.Columns, len(got.Values), err)
	}
	for i, v := range got.Values {
		patch, row, column, channel := i/12, i/6%2, i/3%2, i%3
		x, y := patch%3*2+column, patch/3*2+row
		if want := []int{x, y, 10*y + x}[channel]; int(v) != want {
			t.Errorf("value %d is %g, want %d", i, v, want)
		}
	}
}

func parseNaFlex(t testing.TB, side, most int) *Processor {
	t.Helper()
	const config = `{"image_processor_type":"Siglip2ImageProcessor","patch_size":%d,"max_num_patches":%d}`
	p, err := Parse(fmt.Appendf(nil, config, side, most))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestWithMaxPatches(t *testing.T) {
	p := parseNaFlex(t, 16, 256)
	for _, n := range []int{64, 1024} {
		other, err := p.WithMaxPatches(n)
		if err != nil || other.MaxPatches() != n || other.MaxValues() != n*3*16*16 {
			t.Errorf("%d: %+v, error %v", n, other, err)
		}
	}
	if p.MaxPatches() != 256 || !p.Variable() || p.PatchSize() != 16 {
		t.Error("the original changed")
	}
	if w, h := p.Target(640, 480); w != 18*16 || h != 14*16 {
		t.Errorf("target %dx%d", w, h)
	}
	for _, n := range []int{63, 1025} {
		if _, err := p.WithMaxPatches(n); err == nil || !strings.Contains(err.Error(), "want 64 to 1024") {
			t.Errorf("%d: error %v", n, err)
		}
	}
	if _, err := mustParse(t, `{}`).WithMaxPatches(256); err == nil || !strings.Contains(err.Error(), "NaFlex") {
		t.Errorf("fixed resolution: error %v", err)
	}
}
