package augment

import (
	"image"
	"image/color"
	"math"
	"testing"
)

func TestFlip(t *testing.T) {
	even, odd := grey([]byte{1, 2, 3, 4}, []byte{5, 6, 7, 8}), grey([]byte{1, 2, 3})
	flip(even)
	flip(odd)
	wantLevels(t, "even", even, []byte{4, 3, 2, 1}, []byte{8, 7, 6, 5})
	wantLevels(t, "odd", odd, []byte{3, 2, 1})
}

func TestShrink(t *testing.T) {
	picture := grey([]byte{0, 10, 20, 30, 99}, []byte{20, 11, 40, 51, 99}, []byte{99, 99, 99, 99, 99})
	wantLevels(t, "by 2", shrink(picture, 2), []byte{10, 35})
	wantLevels(t, "by 3", shrink(picture, 3), []byte{44})
	if shrink(picture, 1) != picture || shrink(picture, 0) != picture {
		t.Error("a factor of 1 copies")
	}
}

func TestCrop(t *testing.T) {
	bounds := image.Rect(10, 20, 210, 120)
	for _, test := range []struct {
		o             Options
		width, height int
	}{
		{Options{}, 200, 100},
		{Options{CropScale: Range{0.25, 0.25}}, 100, 50},
		{Options{CropScale: Range{0.25, 0.25}, CropAspect: Range{4, 4}}, 200, 25},
		{Options{CropScale: Range{1, 1}, CropAspect: Range{0.25, 0.25}}, 100, 100}, // no higher than the picture
	} {
		r, corners := stream(), make(map[image.Point]bool)
		for range 50 {
			part := test.o.crop(bounds, r)
			if part.Dx() != test.width || part.Dy() != test.height || !part.In(bounds) {
				t.Fatalf("%+v: got %v, want %d x %d in %v", test.o, part, test.width, test.height, bounds)
			}
			corners[part.Min] = true
		}
		if wander := test.width < 200 || test.height < 100; wander != (len(corners) > 10) {
			t.Errorf("%+v: %d different places", test.o, len(corners))
		}
	}
	if part := (Options{CropScale: Range{0.01, 0.01}}).crop(image.Rect(0, 0, 1, 1), stream()); part.Dx() != 1 || part.Dy() != 1 {
		t.Errorf("one pixel: got %v", part)
	}
}

func TestCropRange(t *testing.T) {
	o, r := Options{CropScale: Range{0.5, 1}, CropAspect: Range{0.8, 1.25}}, stream()
	least, most := 1.0, 0.0
	for range 2000 {
		part := o.crop(image.Rect(0, 0, 1000, 1000), r)
		area := float64(part.Dx()*part.Dy()) / 1e6
		least, most = min(least, area), max(most, area)
	}
	if least < 0.498 || least > 0.51 || most < 0.98 {
		t.Errorf("areas are %.3f to %.3f, want 0.5 to 1", least, most)
	}
}

func TestWarp(t *testing.T) {
	square := grey([]byte{10, 20, 30, 40}, []byte{50, 60, 70, 80}, []byte{90, 100, 110, 120}, []byte{130, 140, 150, 160})
	four := image.Pt(4, 4)
	for _, test := range []struct {
		name string
		m    affine
		want [][]byte
	}{
		{"nothing", place(four, 1, 0, 0, 0, 0), levels(square)},
		{"right", place(four, 1, 0, 0, 1, 0), [][]byte{{0, 10, 20, 30}, {0, 50, 60, 70}, {0, 90, 100, 110}, {0, 130, 140, 150}}},
		{"half a pixel down", place(four, 1, 0, 0, 0, 0.5), [][]byte{{5, 10, 15, 20}, {30, 40, 50, 60}, {70, 80, 90, 100}, {110, 120, 130, 140}}},
		{"turned right", place(four, 1, 0, 90, 0, 0), [][]byte{{130, 90, 50, 10}, {140, 100, 60, 20}, {150, 110, 70, 30}, {160, 120, 80, 40}}},
		{"turned over", place(four, 1, 0, 180, 0, 0), [][]byte{{160, 150, 140, 130}, {120, 110, 100, 90}, {80, 70, 60, 50}, {40, 30, 20, 10}}},
		{"half as large", place(four, 0.5, 0, 0, 0, 0), [][]byte{{0, 0, 0, 0}, {0, 35, 55, 0}, {0, 115, 135, 0}, {0, 0, 0, 0}}},
		{"twice as large", place(four, 2, 0, 0, 0, 0), [][]byte{{48, 53, 58, 63}, {68, 73, 78, 83}, {88, 93, 98, 103}, {108, 113, 118, 123}}},
		{"twice as wide, half as high", place(four, 1, math.Log(4), 0, 0, 0), [][]byte{{0, 0, 0, 0}, {38, 43, 48, 53}, {118, 123, 128, 133}, {0, 0, 0, 0}}},
		{"sheared", place(four, 1, 0, 0, 0, 0).shear(four, 1), [][]byte{{0, 5, 15, 25}, {25, 55, 65, 75}, {95, 105, 115, 60}, {145, 155, 80, 0}}},
		{"away", place(four, 1, 0, 0, 9, 0), [][]byte{{0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}}},
	} {
		wantLevels(t, test.name, warp(square, test.m), test.want...)
	}
	if got := warp(square, place(four, 1, 0, 0, 1.5, 0)).RGBAAt(1, 0); got != (color.RGBA{5, 5, 5, 128}) {
		t.Errorf("the edge: got %v, want it half transparent", got)
	}
}

func TestPlacementRange(t *testing.T) {
	o, r := Options{Scale: Range{0.5, 2}, Shift: 0.25, Rotation: 30, Stretch: 0.2}, stream()
	for range 1000 {
		m := o.placement(image.Pt(100, 100), r)
		zoom := 1 / math.Sqrt(m.a*m.e-m.b*m.d)
		angle := math.Atan2(m.b, m.a) * 180 / math.Pi
		stretch := math.Log(math.Hypot(m.d, m.e) / math.Hypot(m.a, m.b))
		// The middle of the canvas comes from the middle of the picture, moved by at
		// most 25 pixels each way, turned and zoomed.
		u, v := m.a*50+m.b*50+m.c-50, m.d*50+m.e*50+m.f-50
		if zoom < 0.4999 || zoom > 2.0001 || math.Abs(angle) > 30.001 || math.Abs(stretch) > 0.2001 || math.Hypot(u, v)*zoom > 25*math.Sqrt2*math.Exp(0.1) {
			t.Fatalf("zoom %g, angle %g, stretch %g, middle %g %g", zoom, angle, stretch, u, v)
		}
	}
}

func TestCutout(t *testing.T) {
	canvas := grey([]byte{1, 2, 3}, []byte{4, 5, 6})
	cut(canvas, image.Rect(1, 0, 3, 1))
	wantLevels(t, "cut", canvas, []byte{1, 128, 128}, []byte{4, 5, 6})
	o, r := Options{CutoutArea: Range{0.04, 0.04}}, stream()
	for range 1000 {
		hole := o.hole(image.Pt(200, 100), r)
		area := float64(hole.Dx()*hole.Dy()) / 20000
		if !hole.In(image.Rect(0, 0, 200, 100)) || math.Abs(area-0.04) > 0.002 || hole.Dx() > 57 || hole.Dx() < 28 {
			t.Fatalf("got %v, %g of the picture", hole, area)
		}
	}
}
