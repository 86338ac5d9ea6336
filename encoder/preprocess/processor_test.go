package preprocess

import (
	"image"
	"image/color"
	"image/draw"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Every way to hold the same pixels gives the same bytes.
func TestImageTypesAgree(t *testing.T) {
	src := picture(t, "RGB", 37, 23, 5)
	want := resized(src, 16, 16, mustFilter(t, 2), fastestPath())
	whole := image.NewNRGBA(image.Rect(-3, -4, 60, 60))
	draw.Draw(whole, image.Rect(5, 6, 42, 29), src, image.Point{}, draw.Src)
	rgba, deep, deepN := image.NewRGBA(src.Bounds()), image.NewRGBA64(src.Bounds()), image.NewNRGBA64(src.Bounds())
	for _, dst := range []draw.Image{rgba, deep, deepN} {
		draw.Draw(dst, src.Bounds(), src, image.Point{}, draw.Src)
	}
	images := map[string]image.Image{
		"RGBA": rgba, "RGBA64": deep, "NRGBA64": deepN,
		"sub-image": whole.SubImage(image.Rect(5, 6, 42, 29)),
	}
	for name, img := range images {
		if got := resized(img, 16, 16, mustFilter(t, 2), fastestPath()); !slices.Equal(got, want) {
			t.Errorf("%s differs from NRGBA", name)
		}
	}
}

func mustParse(t testing.TB, config string) *Processor {
	t.Helper()
	p, err := Parse([]byte(config))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestFixedResolution(t *testing.T) {
	p := mustParse(t, `{"size": {"height": 4, "width": 6}}`)
	if w, h := p.Target(1000, 10); p.Variable() || p.MaxPatches() != 0 || p.PatchSize() != 0 || w != 6 || h != 4 {
		t.Errorf("variable %v, %d patches of %d, target %dx%d", p.Variable(), p.MaxPatches(), p.PatchSize(), w, h)
	}
}

// The encoder writes pictures of a batch side by side.
func TestProcessInto(t *testing.T) {
	img := picture(t, "RGB", 90, 50, 1)
	for _, p := range []*Processor{mustParse(t, `{"size": {"height": 4, "width": 6}}`), parseNaFlex(t, 4, 20)} {
		want, err := p.Process(img)
		if err != nil {
			t.Fatal(err)
		}
		n := len(want.Values)
		buffer := slices.Repeat([]float32{7}, p.MaxValues()+5)
		got, err := p.ProcessInto(buffer, img)
		if err != nil || !slices.Equal(got.Values, want.Values) || got.Rows != want.Rows || got.Columns != want.Columns {
			t.Errorf("differs from Process, error %v", err)
		}
		if &got.Values[0] != &buffer[0] || slices.ContainsFunc(buffer[n:], func(v float32) bool { return v != 7 }) {
			t.Error("did not write to the beginning of the buffer alone")
		}
		if _, err := p.ProcessInto(buffer[:n-1], img); err == nil || !strings.Contains(err.Error(), "room for") {
			t.Errorf("short buffer: error %v", err)
		}
	}
}

func TestTransparentIsWhite(t *testing.T) {
	p := mustParse(t, `{"size": {"height": 2, "width": 2}, "resample": 2}`)
	for name, img := range map[string]image.Image{
		"NRGBA": image.NewNRGBA(image.Rect(0, 0, 3, 3)), "RGBA": image.NewRGBA(image.Rect(0, 0, 3, 3)),
		"Alpha": image.NewAlpha(image.Rect(0, 0, 3, 3)), "NRGBA64": image.NewNRGBA64(image.Rect(0, 0, 3, 3)),
		"palette": image.NewPaletted(image.Rect(0, 0, 3, 3), color.Palette{color.Transparent}),
	} {
		pixels, err := p.Pixels(img)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Min(pixels) != 1 {
			t.Errorf("%s: least value %g, want 1 everywhere", name, slices.Min(pixels))
		}
	}
}

func TestNoPixels(t *testing.T) {
	p := &Processor{height: 2, width: 2}
	for _, img := range []image.Image{nil, image.NewGray(image.Rect(0, 0, 0, 5))} {
		if _, err := p.Process(img); err == nil {
			t.Errorf("%v: no error", img)
		}
		if _, err := p.ProcessInto(make([]float32, 12), img); err == nil {
			t.Errorf("%v: no error", img)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	p := mustParse(t, `{"size": {"height": 16, "width": 16}}`)
	var wg sync.WaitGroup
	for n := range 8 {
		img := picture(t, "RGB", 20+n*7, 30, n)
		want, _ := p.Pixels(img)
		wg.Go(func() {
			for range 50 {
				if got, _ := p.Pixels(img); !slices.Equal(got, want) {
					t.Error("result changed under concurrent use")
					return
				}
			}
		})
	}
	wg.Wait()
}
