package augment

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"polylens/trainer/data/internal/random"
)

// grey makes an opaque picture of rows of grey levels.
func grey(rows ...[]byte) *image.RGBA {
	canvas := image.NewRGBA(image.Rect(0, 0, len(rows[0]), len(rows)))
	for y, row := range rows {
		for x, v := range row {
			canvas.SetRGBA(x, y, color.RGBA{v, v, v, 255})
		}
	}
	return canvas
}

// levels are the rows of the red channel.
func levels(canvas *image.RGBA) [][]byte {
	rows := make([][]byte, canvas.Rect.Dy())
	for y := range rows {
		for x := range canvas.Rect.Dx() {
			rows[y] = append(rows[y], canvas.RGBAAt(x, y).R)
		}
	}
	return rows
}

func wantLevels(t *testing.T, name string, got *image.RGBA, want ...[]byte) {
	t.Helper()
	if !slices.EqualFunc(levels(got), want, slices.Equal) {
		t.Errorf("%s: got %v, want %v", name, levels(got), want)
	}
}

func stream() *rand.Rand { return random.New(1) }

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
		{"left", grey([]byte{200, 200, 200}, []byte{100, 200, 200}, []byte{200, 200, 200}), -1},
		{"right", grey([]byte{200, 200, 200}, []byte{200, 200, 213}, []byte{200, 200, 200}), -1},
		{"top", grey([]byte{200, 187, 200}, []byte{200, 200, 200}, []byte{200, 200, 200}), -1},
		{"bottom", grey([]byte{200, 200, 200}, []byte{200, 200, 200}, []byte{200, 0, 200}), -1},
		{"one pixel", grey([]byte{7}), 7},
		{"one column", grey([]byte{7}, []byte{90}, []byte{7}), -1},
		{"transparent", image.NewRGBA(image.Rect(0, 0, 3, 3)), -1},
	} {
		colour, plain := plainBorder(test.picture)
		if plain != (test.want >= 0) || plain && colour != [3]float64{test.want, test.want, test.want} {
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

func TestChance(t *testing.T) {
	r, hits := stream(), 0
	for range 10000 {
		if chance(r, 0.3) {
			hits++
		}
		if chance(r, 0) || !chance(r, 1) {
			t.Fatal("0 happened or 1 did not")
		}
	}
	if hits < 2850 || hits > 3150 {
		t.Errorf("0.3 happened in %d of 10000", hits)
	}
}

// drawing is a half transparent disc on nothing, with a bar.
func drawing(size int) *image.NRGBA {
	picture := image.NewNRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			u, v := 2*x-size, 2*y-size
			if u*u+v*v < size*size*3/5 {
				picture.SetNRGBA(x, y, color.NRGBA{250, uint8(255 * x / size), 40, uint8(128 + 127*y/size)})
			}
			if 5*y > 2*size && 5*y < 3*size {
				picture.SetNRGBA(x, y, color.NRGBA{20, 30, 200, 255})
			}
		}
	}
	return picture
}

// Runs go on with later builds: pictures must not change.
func TestPresetsStay(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("floats round otherwise where multiplication and addition are one instruction")
	}
	picture := drawing(72)
	for name, want := range map[string]string{
		"photo": "2d8a2f3907299be4", "art": "592651ca06c13fa8", "document": "0d21ce90e7873456",
	} {
		o, err := Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		a, err := New(o, 5)
		if err != nil {
			t.Fatal(err)
		}
		hash := sha256.New()
		for sample := range uint64(20) {
			got := a.Apply(picture, sample, 3).(*image.RGBA)
			if !got.Opaque() {
				t.Errorf("%s, sample %d: transparent", name, sample)
			}
			hash.Write(got.Pix)
		}
		if got := hex.EncodeToString(hash.Sum(nil)[:8]); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestApplyDependsOnItsArgumentsAlone(t *testing.T) {
	o, err := Preset("art")
	if err != nil {
		t.Fatal(err)
	}
	picture := drawing(40)
	before := slices.Clone(picture.Pix)
	apply := func(seed, sample, step uint64) []byte {
		a, err := New(o, seed)
		if err != nil {
			t.Fatal(err)
		}
		return a.Apply(picture, sample, step).(*image.RGBA).Pix
	}
	first := apply(1, 2, 3)
	if !bytes.Equal(first, apply(1, 2, 3)) {
		t.Error("the same arguments give another picture")
	}
	for _, other := range [][3]uint64{{2, 2, 3}, {1, 3, 3}, {1, 2, 4}, {1, 3, 2}} {
		if bytes.Equal(first, apply(other[0], other[1], other[2])) {
			t.Errorf("%v gives the same picture as 1, 2, 3", other)
		}
	}
	if !bytes.Equal(before, picture.Pix) {
		t.Error("the picture was changed")
	}
}

func TestNone(t *testing.T) {
	o, err := Preset("none")
	if err != nil {
		t.Fatal(err)
	}
	o.Size = 64
	a, err := New(o, 1)
	if err != nil {
		t.Fatal(err)
	}
	if picture := drawing(300); a.Apply(picture, 0, 0) != image.Image(picture) {
		t.Error("the picture is not the same")
	}
}

func TestLargePicturesAreReduced(t *testing.T) {
	a, err := New(Options{Size: 32, Background: 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for size, want := range map[int]int{64: 64, 127: 127, 128: 64, 200: 66} {
		if got := a.Apply(drawing(size), 0, 0).Bounds().Dx(); got != want {
			t.Errorf("%d pixels become %d, want %d", size, got, want)
		}
	}
}

func TestPictureTypes(t *testing.T) {
	o := Options{Flip: 1}
	a, err := New(o, 1)
	if err != nil {
		t.Fatal(err)
	}
	at := image.Rect(5, 6, 8, 8)
	paletted := image.NewPaletted(at, color.Palette{color.RGBA{1, 2, 3, 255}, color.RGBA{200, 100, 0, 255}})
	paletted.SetColorIndex(7, 6, 1)
	if got := a.Apply(paletted, 0, 0).(*image.RGBA); got.RGBAAt(0, 0) != (color.RGBA{200, 100, 0, 255}) || got.RGBAAt(2, 0) != (color.RGBA{1, 2, 3, 255}) {
		t.Errorf("paletted: got %v", got.Pix)
	}
	if got := a.Apply(image.NewYCbCr(at, image.YCbCrSubsampleRatio420), 0, 0).Bounds(); got != image.Rect(0, 0, 3, 2) {
		t.Errorf("YCbCr: got bounds %v", got)
	}
	if empty := image.NewGray(image.Rectangle{}); a.Apply(empty, 0, 0) != image.Image(empty) {
		t.Error("an empty picture was changed")
	}
}

func TestPresetsPassTheirCheck(t *testing.T) {
	for name := range presets {
		o, err := Preset(name)
		if err == nil {
			err = o.Check()
		}
		if err != nil || o.Flip != 0 {
			t.Errorf("%s: %v, flip %g", name, err, o.Flip)
		}
	}
	if _, err := Preset("emoji"); err == nil || err.Error() != `augmentation "emoji" is not known: use one of [art document none photo]` {
		t.Errorf("got %v", err)
	}
}

func TestCheckRefuses(t *testing.T) {
	for _, o := range []Options{
		{Flip: 1.1}, {Blur: -0.1}, {Jitter: math.NaN()}, {Rotation: 181}, {Hue: -1}, {Size: -1}, {Brightness: 2},
		{CropScale: Range{0, 1}}, {CropScale: Range{0.9, 0.5}}, {CropAspect: Range{0.01, 1}}, {Scale: Range{1, 5}},
		{BlurSigma: Range{0, 1}}, {CutoutArea: Range{math.NaN(), 0.5}},
	} {
		if _, err := New(o, 0); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
}

func TestEnlarge(t *testing.T) {
	for _, test := range []struct {
		o    Options
		want float64
	}{{Options{}, 1}, {Options{CropScale: Range{0.25, 1}}, 2}, {Options{Scale: Range{0.5, 1.5}}, 1.5}, {Options{Scale: Range{0.5, 0.9}}, 1}} {
		if got := test.o.Enlarge(); got != test.want {
			t.Errorf("%+v: got %g, want %g", test.o, got, test.want)
		}
	}
}

func BenchmarkApply(b *testing.B) {
	for _, size := range []int{72, 448} {
		picture := drawing(size)
		for _, name := range []string{"art", "photo", "document"} {
			b.Run(name+"/"+map[int]string{72: "72", 448: "448"}[size], func(b *testing.B) {
				o, err := Preset(name)
				if err != nil {
					b.Fatal(err)
				}
				a, err := New(o, 1)
				if err != nil {
					b.Fatal(err)
				}
				for i := 0; b.Loop(); i++ {
					a.Apply(picture, uint64(i), 0)
				}
			})
		}
	}
}
