package augment

import (
	"bytes"
	"image"
	"image/color"
	"math"
	"testing"
)

func TestColours(t *testing.T) {
	for _, test := range []struct {
		name     string
		m        matrix
		in, want color.RGBA
	}{
		{"nothing", unchanged, color.RGBA{10, 20, 30, 255}, color.RGBA{10, 20, 30, 255}},
		{"brighter", brightness(1.5), color.RGBA{100, 200, 30, 255}, color.RGBA{150, 255, 45, 255}},
		{"darker", brightness(0.5), color.RGBA{100, 201, 30, 255}, color.RGBA{50, 101, 15, 255}},
		{"more contrast", contrast(2, 100), color.RGBA{110, 60, 40, 255}, color.RGBA{120, 20, 0, 255}},
		{"no contrast", contrast(0, 100), color.RGBA{110, 60, 40, 255}, color.RGBA{100, 100, 100, 255}},
		{"no contrast, half transparent", contrast(0, 100), color.RGBA{110, 60, 40, 128}, color.RGBA{50, 50, 50, 128}},
		{"negative", invert, color.RGBA{0, 55, 255, 255}, color.RGBA{255, 200, 0, 255}},
		{"negative, half transparent", invert, color.RGBA{0, 28, 128, 128}, color.RGBA{128, 100, 0, 128}},
		{"grey", saturation(0), color.RGBA{100, 200, 50, 255}, color.RGBA{153, 153, 153, 255}}, // 29.9 + 117.4 + 5.7
		{"more colour", saturation(2), color.RGBA{100, 120, 110, 255}, color.RGBA{87, 127, 107, 255}},
		{"hue by a third", hue(120), color.RGBA{200, 100, 50, 255}, color.RGBA{50, 200, 100, 255}},
		{"hue by two thirds", hue(-120), color.RGBA{200, 100, 50, 255}, color.RGBA{100, 50, 200, 255}},
		{"hue of grey", hue(77), color.RGBA{90, 90, 90, 255}, color.RGBA{90, 90, 90, 255}},
		{"one after the other", brightness(2).then(contrast(0.5, 100)), color.RGBA{100, 50, 0, 255}, color.RGBA{150, 100, 50, 255}},
		{"not above transparency", brightness(2), color.RGBA{100, 50, 0, 120}, color.RGBA{120, 100, 0, 120}},
		{"transparent", contrast(0, 100), color.RGBA{}, color.RGBA{}},
	} {
		canvas := image.NewRGBA(image.Rect(0, 0, 1, 1))
		canvas.SetRGBA(0, 0, test.in)
		test.m.apply(canvas)
		if got := canvas.RGBAAt(0, 0); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

func TestMeanBrightness(t *testing.T) {
	canvas := image.NewRGBA(image.Rect(0, 0, 2, 1))
	canvas.SetRGBA(0, 0, color.RGBA{100, 50, 0, 128})
	want := 255 * (29.9 + 29.35) / 128
	if got := meanBrightness(canvas); math.Abs(got-want) > 1e-9 {
		t.Errorf("got %g, want %g", got, want)
	}
	if got := meanBrightness(image.NewRGBA(image.Rect(0, 0, 2, 1))); got != 255 {
		t.Errorf("nothing at all: got %g, want white", got)
	}
}

func TestBackground(t *testing.T) {
	canvas := image.NewRGBA(image.Rect(0, 0, 4, 1))
	canvas.SetRGBA(1, 0, color.RGBA{60, 60, 60, 128})
	canvas.SetRGBA(2, 0, color.RGBA{9, 9, 9, 255})
	background{from: [3]float64{0, 0, 0}, to: [3]float64{200, 0, 0}, across: 1}.lay(canvas)
	want := []color.RGBA{{25, 0, 0, 255}, {60 + 37, 60, 60, 255}, {9, 9, 9, 255}, {175, 0, 0, 255}}
	for x, c := range want {
		if got := canvas.RGBAAt(x, 0); got != c {
			t.Errorf("pixel %d: got %v, want %v", x, got, c)
		}
	}
	empty := image.NewRGBA(image.Rect(0, 0, 1, 1))
	Options{}.lay(empty, stream())
	if got := empty.RGBAAt(0, 0); got != (color.RGBA{255, 255, 255, 255}) {
		t.Errorf("by default: got %v, want white", got)
	}
}

func TestBackgroundIsNotLikeThePicture(t *testing.T) {
	r := stream()
	for i := range 3000 {
		light := float64(i % 256)
		b := randomBackground(r, light)
		for _, c := range [][3]float64{b.from, b.to} {
			if own := luma[0]*c[0] + luma[1]*c[1] + luma[2]*c[2]; math.Abs(own-light) < leastDifference {
				t.Fatalf("brightness %g on a background of %g", light, own)
			}
		}
	}
}

func TestPlainBorder(t *testing.T) {
	for _, test := range []struct {
		name    string
		picture *image.RGBA
		want    float64 // -1 is not plain
	}{
		{"plain", grey([]byte{200, 205, 200}, []byte{188, 0, 212}, []byte{200, 200, 200}), 200},
		{"touched", grey([]byte{200, 0, 200}, []byte{0, 0, 0}, []byte{200, 200, 200}), 200},                                        // 9 of 12, corners count twice
		{"touched on all sides", grey([]byte{200, 0, 0, 200}, []byte{0, 0, 0, 0}, []byte{0, 0, 0, 0}, []byte{200, 0, 0, 200}), -1}, // 8 of 16
		{"first corner", grey([]byte{187, 200, 200}, []byte{200, 200, 200}, []byte{200, 200, 200}), -1},
		{"right corner", grey([]byte{200, 200, 187}, []byte{200, 200, 200}, []byte{200, 200, 200}), -1},
		{"lower corner", grey([]byte{200, 200, 200}, []byte{200, 200, 200}, []byte{213, 200, 200}), -1},
		{"last corner", grey([]byte{200, 200, 200}, []byte{200, 200, 200}, []byte{200, 200, 213}), -1},
		{"one pixel", grey([]byte{7}), 7},
		{"one column", grey([]byte{7}, []byte{90}, []byte{90}, []byte{90}, []byte{7}), -1},
		{"transparent", image.NewRGBA(image.Rect(0, 0, 3, 3)), -1},
	} {
		colour, plain := plainBorder(test.picture)
		if want := test.want >= 0; plain != want || plain && colour != [3]float64{test.want, test.want, test.want} {
			t.Errorf("%s: got %v, %v", test.name, colour, plain)
		}
	}
}

func TestDrawingsGoOnInTheirGround(t *testing.T) {
	a, err := New(Options{Scale: Range{0.3, 0.3}, Background: 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	picture := grey(bytes.Repeat([]byte{150}, 9), bytes.Repeat([]byte{150}, 9), bytes.Repeat([]byte{150}, 9))
	got := a.Apply(picture, 0, 0).(*image.RGBA)
	wantLevels(t, "a plain picture", got, levels(picture)...)
}

func TestBlur(t *testing.T) {
	// Weights for sigma 0.5: 1, e^-2, e^-8 over their sum.
	line := grey([]byte{0, 0, 0, 255, 0, 0, 0, 0})
	blur(line, 0.5)
	wantLevels(t, "a point", line, []byte{0, 0, 27, 201, 27, 0, 0, 0})
	edge := grey([]byte{200}, []byte{200}, []byte{0}, []byte{0})
	blur(edge, 0.5)
	wantLevels(t, "an edge", edge, []byte{200}, []byte{179}, []byte{21}, []byte{0})
	same := grey([]byte{1, 2, 3})
	blur(same, 0)
	wantLevels(t, "nothing", same, []byte{1, 2, 3})
	plain := grey(bytes.Repeat([]byte{77}, 9), bytes.Repeat([]byte{77}, 9))
	blur(plain, 3)
	wantLevels(t, "one colour", plain, bytes.Repeat([]byte{77}, 9), bytes.Repeat([]byte{77}, 9))
}

func TestGaussian(t *testing.T) {
	for _, sigma := range []float64{0, 0.1, 0.5, 1, 2.7, 10} {
		kernel, sum := gaussian(sigma), uint32(0)
		for _, w := range kernel {
			sum += w
		}
		if sum != 1<<blurBits || len(kernel) != 2*int(math.Ceil(3*sigma))+1 {
			t.Errorf("sigma %g: %d weights with sum %d", sigma, len(kernel), sum)
		}
	}
}
