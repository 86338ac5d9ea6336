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
		"photo": "2d8a2f3907299be4", "art": "592651ca06c13fa8", "document": "0d21ce90e7873456", "style": "a9a938af5c7d41db",
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
	if _, err := Preset("emoji"); err == nil || err.Error() != `augmentation "emoji" is not known: use one of [art document none photo style]` {
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

func BenchmarkApply(b *testing.B) {
	for _, size := range []int{72, 448} {
		picture := drawing(size)
		for _, name := range []string{"art", "style", "photo", "document"} {
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
