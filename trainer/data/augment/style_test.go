package augment

import (
	"image"
	"image/color"
	"math"
	"testing"
)

func TestThicken(t *testing.T) {
	line := grey([]byte{200, 200, 10, 200, 200}, []byte{200, 200, 10, 200, 200})
	wantLevels(t, "dark", thicken(line, true), []byte{200, 10, 10, 10, 200}, []byte{200, 10, 10, 10, 200})
	wantLevels(t, "light", thicken(line, false), []byte{200, 200, 200, 200, 200}, []byte{200, 200, 200, 200, 200})
	half := image.NewRGBA(image.Rect(0, 0, 3, 1))
	half.SetRGBA(0, 0, color.RGBA{100, 50, 0, 128})
	for _, dark := range []bool{true, false} {
		out := thicken(half, dark)
		if got := out.RGBAAt(1, 0); got != (color.RGBA{}) {
			t.Errorf("dark %v: the shape grows to %v", dark, got)
		}
		if got := out.RGBAAt(0, 0); got.A != 128 || got.R > 128 {
			t.Errorf("dark %v: got %v", dark, got)
		}
	}
}

func TestOutline(t *testing.T) {
	point := image.NewRGBA(image.Rect(0, 0, 7, 1))
	point.SetRGBA(3, 0, color.RGBA{10, 20, 30, 100})
	for level, want := range map[byte]color.RGBA{0: {0, 0, 0, 100}, 255: {100, 100, 100, 100}} {
		out := outline(point, level)
		for x, expected := range []color.RGBA{{}, want, want, {10, 20, 30, 100}, want, want, {}} {
			if got := out.RGBAAt(x, 0); got != expected {
				t.Errorf("level %d, pixel %d: got %v, want %v", level, x, got, expected)
			}
		}
	}
}

func TestToneCurves(t *testing.T) {
	canvas := grey([]byte{0, 64, 128, 255})
	toneCurve(canvas, gammaCurve(2))
	wantLevels(t, "gamma", canvas, []byte{0, 16, 64, 255})
	canvas = grey([]byte{0, 63, 64, 127, 128, 191, 192, 255})
	toneCurve(canvas, posterCurve(2))
	wantLevels(t, "three levels", canvas, []byte{0, 0, 128, 128, 128, 128, 255, 255})
	if got := gammaCurve(1); got[77] != 77 {
		t.Errorf("a power of 1: got %d for 77", got[77])
	}
}

func TestEdges(t *testing.T) {
	got := edges(grey([]byte{10, 10, 30, 30}, []byte{10, 10, 30, 200}))
	wantLevels(t, "edges", got, []byte{255, 195, 255, 0}, []byte{255, 195, 0, 255})
	if !got.Opaque() {
		t.Error("edges are transparent")
	}
}

func TestCoarsen(t *testing.T) {
	canvas := grey([]byte{0, 10, 1, 1, 5}, []byte{20, 10, 1, 1, 6}, []byte{7, 8, 9, 10, 11})
	coarsen(canvas)
	wantLevels(t, "coarse", canvas, []byte{10, 10, 1, 1, 5}, []byte{10, 10, 1, 1, 6}, []byte{7, 8, 9, 10, 11})
}

func TestNoise(t *testing.T) {
	canvas := image.NewRGBA(image.Rect(0, 0, 100, 100))
	background{from: [3]float64{128, 128, 128}, to: [3]float64{128, 128, 128}}.lay(canvas)
	noise(canvas, 10, stream())
	sum, squares := 0.0, 0.0
	for i, v := range canvas.Pix {
		if i%4 == 3 {
			continue
		}
		d := float64(v) - 128
		sum += d
		squares += d * d
	}
	if mean, sigma := sum/30000, math.Sqrt(squares/30000); math.Abs(mean) > 0.25 || math.Abs(sigma-10) > 0.2 {
		t.Errorf("noise has mean %.3f and sigma %.3f, want 0 and 10", mean, sigma)
	}
	if !canvas.Opaque() {
		t.Error("noise changes transparency")
	}
}
