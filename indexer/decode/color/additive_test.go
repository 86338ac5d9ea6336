package color

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"testing"
)

// p3 is what most phones write.
var p3 = Source{Primaries: 12, Transfer: 13}

// YCbCr becomes what the same picture becomes in RGB, of whatever subsampling, also
// where it is a part of another, and where it leaves the range of colours.
func TestYCbCrEqualsRGB(t *testing.T) {
	c := conversionOf(t, p3)
	random := rand.New(rand.NewPCG(3, 4))
	for _, ratio := range []image.YCbCrSubsampleRatio{
		image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420,
		image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410,
	} {
		whole := image.NewYCbCr(image.Rect(0, 0, 117, 93), ratio)
		for _, pix := range [][]byte{whole.Y, whole.Cb, whole.Cr} {
			for i := range pix {
				pix[i] = byte(random.Uint32())
			}
		}
		for _, part := range []image.Rectangle{whole.Rect, image.Rect(2, 4, 116, 92), image.Rect(3, 5, 60, 61), image.Rect(0, 0, 1, 1)} {
			m := whole.SubImage(part).(*image.YCbCr)
			rgb := image.NewNRGBA(part)
			for y := part.Min.Y; y < part.Max.Y; y++ {
				for x := part.Min.X; x < part.Max.X; x++ {
					at := m.YCbCrAt(x, y)
					r, g, b := color.YCbCrToRGB(at.Y, at.Cb, at.Cr)
					rgb.SetNRGBA(x, y, color.NRGBA{r, g, b, 255})
				}
			}
			same(t, c, m, rgb)
		}
	}
}

func same(t *testing.T, c *Conversion, a, b image.Image) {
	t.Helper()
	got, err := c.Apply(a)
	if err != nil {
		t.Fatal(err)
	}
	want, err := c.Apply(b)
	if err != nil {
		t.Fatal(err)
	}
	if got.Bounds() != want.Bounds() {
		t.Fatal(got.Bounds(), want.Bounds())
	}
	for y := range want.Bounds().Dy() {
		for x := range want.Bounds().Dx() {
			if got.At(x, y) != want.At(x, y) {
				t.Fatalf("%T, pixel %d, %d: %v, want %v", a, x, y, got.At(x, y), want.At(x, y))
			}
		}
	}
}

// All of a cube of colours, against the formula, for spaces of every width.
func TestAdditiveEqualsFormula(t *testing.T) {
	wide := Source{Primaries: 10, Transfer: 13} // XYZ, which needs coarser steps
	for name, s := range map[string]Source{"P3": p3, "BT.2020": {Primaries: 9, Transfer: 13}, "XYZ": wide, "linear": {Transfer: 8}} {
		f, err := s.formula()
		if err != nil {
			t.Fatal(err)
		}
		table := newAdditive(f, shallow)
		var got [4]byte
		sum := 0
		for i := range 16 * 16 * 16 {
			in := [4]byte{byte(i & 15 * 17), byte(i >> 4 & 15 * 17), byte(i >> 8 * 17), 200}
			table.bytes(got[:], in[:])
			for c, v := range f.convert([]float64{float64(in[0]) / 255, float64(in[1]) / 255, float64(in[2]) / 255}) {
				d := far(got[c], eightBits(v))
				sum += int(d)
				if d > 1 {
					t.Fatalf("%s: %v is %v, want %v in channel %d", name, in, got, eightBits(v), c)
				}
			}
			if got[3] != in[3] {
				t.Fatal(got)
			}
		}
		if mean := float64(sum) / (3 * 4096); mean > 0.03 {
			t.Errorf("%s differs by %.3f in the mean", name, mean)
		}
	}
}

// What has no bounds is not added up.
func TestAdditiveRefuses(t *testing.T) {
	for _, light := range []float64{1e6, math.Inf(1), math.NaN()} {
		f := formula{channels: 3, independent: true, convert: func(s []float64) [3]float64 { return [3]float64{s[0] * light, s[1], s[2]} }}
		if newAdditive(f, shallow) != nil {
			t.Errorf("%v is added up", light)
		}
	}
}
