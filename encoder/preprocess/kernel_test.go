package preprocess

import (
	"fmt"
	"image"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomPicture draws a type that has kernels; kind counts them.
func randomPicture(kind, width, height int, seed uint64) image.Image {
	r := image.Rect(0, 0, width, height)
	fill := func(img image.Image, planes ...[]byte) image.Image {
		for i, plane := range planes {
			noise(plane, seed+uint64(i))
		}
		return img
	}
	switch kind %= kinds; kind {
	case 0:
		m := image.NewNRGBA(r)
		return fill(m, m.Pix)
	case 1:
		m := image.NewRGBA(r)
		return fill(m, m.Pix)
	default:
		m := image.NewYCbCr(r, image.YCbCrSubsampleRatio(kind-2))
		return fill(m, m.Y, m.Cb, m.Cr)
	}
}

const kinds = 8

func paths() map[string]path {
	list := map[string]path{"portable": portable}
	if fastestPath() == wide {
		list["AVX2"] = wide
	}
	return list
}

func checkAgainstOracle(t *testing.T, img image.Image, width, height int, f filter) {
	t.Helper()
	source := oracleRead(img)
	want := oracleResize(source, width, height, f)
	for name, on := range paths() {
		for y := range source.height {
			if got := readRow(img, y, on); !slices.Equal(got, source.pix[3*y*source.width:][:3*source.width]) {
				t.Fatalf("%s: row %d of a %T %v differs from the oracle", name, y, img, img.Bounds())
			}
		}
		if got := resized(img, width, height, f, on); !slices.Equal(got, want.pix) {
			t.Fatalf("%s: %T %v to %dx%d differs from the oracle", name, img, img.Bounds(), width, height)
		}
	}
}

func TestKernelsEqualOracle(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2))
	for kind := range kinds {
		t.Run(fmt.Sprintf("kind %d", kind), func(t *testing.T) {
			for n := range 60 {
				img := randomPicture(kind, 1+r.IntN(150), 1+r.IntN(150), uint64(n))
				checkAgainstOracle(t, img, 1+r.IntN(70), 1+r.IntN(70), mustFilter(t, n%6))
			}
		})
	}
}

// Sums of many taps wrap around on the way.
func TestKernelsEqualOracleForLongRows(t *testing.T) {
	for _, size := range []image.Point{{9000, 2}, {2, 9000}, {9000, 1}} {
		checkAgainstOracle(t, randomPicture(0, size.X, size.Y, 3), 3, 2, mustFilter(t, bicubic))
		white := image.NewRGBA(image.Rectangle{Max: size})
		checkAgainstOracle(t, white, 3, 2, mustFilter(t, 1))
	}
}

// Every pair of a chroma sample and luma, and of a colour and alpha.
func TestKernelsEqualOracleForAllValues(t *testing.T) {
	for chroma := 0; chroma < 256; chroma += 5 {
		m := image.NewYCbCr(image.Rect(0, 0, 256, 256), image.YCbCrSubsampleRatio444)
		n := image.NewNRGBA(m.Rect)
		for i := range m.Y {
			m.Y[i], m.Cb[i], m.Cr[i] = byte(i), byte(i>>8), byte(chroma)
			copy(n.Pix[4*i:], []byte{byte(i), byte(chroma), byte(i + chroma), byte(i >> 8)})
		}
		checkAgainstOracle(t, m, 1, 1, mustFilter(t, 0))
		checkAgainstOracle(t, n, 1, 1, mustFilter(t, 0))
	}
}

func FuzzKernels(f *testing.F) {
	for kind := range kinds {
		f.Add(uint8(kind), uint8(40), uint8(30), uint8(20), uint8(10), uint8(kind), uint64(kind))
	}
	f.Fuzz(func(t *testing.T, kind, w, h, width, height, code uint8, seed uint64) {
		img := randomPicture(int(kind), 1+int(w), 1+int(h), seed)
		checkAgainstOracle(t, img, 1+int(width)/2, 1+int(height)/2, mustFilter(t, int(code)%6))
	})
}
