package inspect

import (
	"image"
	"image/color"
	"math/rand/v2"
	"testing"

	"golang.org/x/image/draw"
)

// flat is a picture of 17 x 16 pixels of one grey, with the given ones.
func flat(level uint8, pixels map[image.Point]color.NRGBA) image.Image {
	picture := image.NewNRGBA(image.Rect(0, 0, 17, 16))
	draw.Draw(picture, picture.Rect, image.NewUniform(color.NRGBA{level, level, level, 255}), image.Point{}, draw.Src)
	for at, c := range pixels {
		picture.SetNRGBA(at.X, at.Y, c)
	}
	return picture
}

func TestSignatureBits(t *testing.T) {
	white := color.NRGBA{255, 255, 255, 255}
	for _, test := range []struct {
		name    string
		picture image.Image
		want    [4]uint64
	}{
		{"flat", flat(100, nil), [4]uint64{}},
		{"brighter to the right", flat(100, map[image.Point]color.NRGBA{{5, 0}: white, {0, 3}: white, {16, 15}: white}),
			[4]uint64{1 << 4, 0, 0, 1 << 63}},
		{"noise", flat(100, map[image.Point]color.NRGBA{{5, 1}: {102, 102, 102, 255}, {8, 1}: {103, 103, 103, 255}}),
			[4]uint64{1 << 23}},
		{"transparent is grey", flat(100, map[image.Point]color.NRGBA{{3, 0}: {0, 0, 0, 0}, {9, 0}: {255, 255, 255, 0}}),
			[4]uint64{1<<2 | 1<<8}},
	} {
		if got := Sign(test.picture).Bits; got != test.want {
			t.Errorf("%s: got %x, want %x", test.name, got, test.want)
		}
	}
}

func TestSignatureColours(t *testing.T) {
	picture := image.NewNRGBA(image.Rect(0, 0, 4, 4))
	draw.Draw(picture, picture.Rect, image.NewUniform(color.NRGBA{10, 20, 30, 255}), image.Point{}, draw.Src)
	picture.SetNRGBA(3, 0, color.NRGBA{200, 0, 100, 128})
	got := Sign(picture).Colours
	if want := [3]uint8{10, 20, 30}; [3]uint8(got[:3]) != want || [3]uint8(got[45:]) != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if want := [3]uint8{163, 63, 113}; [3]uint8(got[9:12]) != want { // half of it, on grey
		t.Errorf("got %v, want %v", got[9:12], want)
	}
	red, blue := flat(0, nil), flat(0, nil)
	for i := 0; i < 4*17*16; i += 4 {
		red.(*image.NRGBA).Pix[i] = 200
		blue.(*image.NRGBA).Pix[i+2] = 200
	}
	if Sign(red).Near(Sign(blue), 15) {
		t.Error("red and blue look the same")
	}
}

func TestSignatureOfTinyPictures(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {1, 5000}, {3, 2}} {
		Sign(image.NewNRGBA(image.Rectangle{Max: size})) // must not fail
	}
}

func TestBandsFindAllNear(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var a Signature
		for i := range a.Bits {
			a.Bits[i] = r.Uint64()
		}
		b := a
		for _, bit := range r.Perm(256)[:15] {
			b.Bits[bit/64] ^= 1 << (bit % 64)
		}
		if a.Near(b, 14) || !a.Near(b, 15) {
			t.Fatal("the distance is not 15")
		}
		contents := []Content{{Signature: a}, {Signature: b}}
		u := newUnions(2)
		if joinNear(u, contents, 15); u.find(1) != 0 {
			t.Fatal("no band agrees")
		}
	}
}
