package reduced

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// sequential are those of decode's fixtures that are read here; they differ in
// how chroma is sampled, and one has restart markers.
var sequential = []string{
	"orientation1.jpg", "orientation8_422.jpg", "orientation6_420.jpg", "orientation3_grey.jpg", "restart.jpg",
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// noisy is a JPEG with as many coefficients as there can be, and all sizes of
// them.
func noisy(t testing.TB, width, height, quality int) []byte {
	t.Helper()
	random := rand.New(rand.NewPCG(uint64(width), uint64(quality)))
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			wave := 90 * math.Sin(float64(x*x+y)/float64(20+height))
			at := func(phase int) byte {
				return byte(min(max(127+wave+float64((x+phase*y)%60)+12*random.NormFloat64(), 0), 255))
			}
			img.SetRGBA(x, y, color.RGBA{at(0), at(1), at(2), 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The lowest coefficients of each block of what image/jpeg decodes, transformed
// back at the smaller size.
func TestEqualsTransformOfWhole(t *testing.T) {
	cases := map[string][]byte{
		"noise": noisy(t, 640, 480, 95), "coarse": noisy(t, 333, 217, 30), "one block": noisy(t, 8, 8, 80), "long": noisy(t, 1030, 700, 100),
	}
	for _, name := range sequential {
		cases[name] = fixture(t, name)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i, of := range [][2]int{{1, 1}, {2, 1}, {1, 2}, {2, 2}} {
		cases[fmt.Sprintf("luma in %d x %d", of[0], of[1])] = randomJPEG(random, 203+i, 99, of[0], of[1], 0, false)
		cases[fmt.Sprintf("luma in %d x %d with restarts", of[0], of[1])] = randomJPEG(random, 100, 171+i, of[0], of[1], 2+5*i, false)
		cases[fmt.Sprintf("grey in %d x %d", of[0], of[1])] = randomJPEG(random, 203+i, 150, of[0], of[1], 257, true)
	}
	for name, data := range cases {
		whole, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		for _, points := range Points {
			got, err := Decode(t.Context(), data, points)
			if err != nil {
				t.Errorf("%s at %d: %v", name, points, err)
				continue
			}
			size := whole.Bounds().Size()
			if want := image.Pt(Side(size.X, points), Side(size.Y, points)); got.Bounds() != (image.Rectangle{Max: want}) {
				t.Errorf("%s at %d: %v of %v", name, points, got.Bounds(), size)
			}
			want := planesOf(whole)
			for i, small := range planesOf(got) {
				what := fmt.Sprintf("%s at %d, plane %d", name, points, i)
				if compare(t, what, small, want[i], size, points) == 0 && size.X >= 16 && size.Y >= 16 {
					t.Errorf("%s: every block is clipped", what)
				}
			}
		}
	}
}

// samples are a plane of a picture. Pixels of the picture lie under one.
type samples struct {
	pixels       []byte
	stride       int
	across, down int
}

func planesOf(img image.Image) []samples {
	switch m := img.(type) {
	case *image.Gray:
		return []samples{{m.Pix, m.Stride, 1, 1}}
	case *image.YCbCr:
		across, down := 1, 1
		switch m.SubsampleRatio {
		case image.YCbCrSubsampleRatio420:
			across, down = 2, 2
		case image.YCbCrSubsampleRatio422:
			across = 2
		case image.YCbCrSubsampleRatio440:
			down = 2
		}
		return []samples{{m.Y, m.YStride, 1, 1}, {m.Cb, m.CStride, across, down}, {m.Cr, m.CStride, across, down}}
	}
	return nil
}

// compare looks at the blocks that are wholly in a picture of a size, and returns
// how many samples they have. Pixels of the whole are rounded, and clipped where the
// block has more than they can show: such blocks do not count.
func compare(t *testing.T, name string, small, whole samples, size image.Point, points int) (count int) {
	t.Helper()
	if small.across != whole.across || small.down != whole.down {
		t.Errorf("%s: chroma is sampled by %d x %d, want %d x %d", name, small.across, small.down, whole.across, whole.down)
		return 0
	}
	worst, squares := 0.0, 0.0
	for y := range size.Y / whole.down / 8 {
		for x := range size.X / whole.across / 8 {
			want, clipped := expected(whole, x*8, y*8, points)
			if clipped {
				continue
			}
			for i, v := range want {
				got := small.pixels[(y*points+i/points)*small.stride+x*points+i%points]
				off := math.Abs(float64(got) - min(max(v, 0), 255))
				worst, squares, count = max(worst, off), squares+off*off, count+1
			}
		}
	}
	if mean := math.Sqrt(squares / float64(max(count, 1))); worst > 2.5 || count > 500 && mean > 0.6 {
		t.Errorf("%s: %.2f off at most, %.2f in the mean", name, worst, mean)
	}
	return count
}

// expected transforms a block there and, with its lowest coefficients but the
// last, back.
func expected(p samples, x, y, points int) (values []float64, clipped bool) {
	var low [4][4]float64
	for i := range 8 {
		for j := range 8 {
			v := p.pixels[(y+i)*p.stride+x+j]
			clipped = clipped || v == 0 || v == 255
			for r := range points {
				for c := range points {
					low[r][c] += float64(v) * basis(8, r, i) * basis(8, c, j)
				}
			}
		}
	}
	if points > 1 {
		low[points-1][points-1] = 0
	}
	for i := range points {
		for j := range points {
			sum := 0.0
			for r := range points {
				for c := range points {
					sum += low[r][c] * basis(points, r, i) * basis(points, c, j)
				}
			}
			values = append(values, sum*float64(points)/8)
		}
	}
	return values, clipped
}

// basis is the orthonormal cosine transform of n points.
func basis(n, frequency, at int) float64 {
	norm := math.Sqrt(2 / float64(n))
	if frequency == 0 {
		norm = math.Sqrt(1 / float64(n))
	}
	return norm * math.Cos(float64((2*at+1)*frequency)*math.Pi/float64(2*n))
}

func TestSide(t *testing.T) {
	for _, tt := range []struct{ side, points, want int }{
		{1, 1, 1}, {3, 1, 1}, {4, 1, 1}, {12, 1, 2}, {11, 1, 1}, {4000, 2, 1000}, {1224, 3, 459}, {1025, 4, 513}, {5, 3, 2},
	} {
		if got := Side(tt.side, tt.points); got != tt.want {
			t.Errorf("%+v: %d", tt, got)
		}
	}
}

func TestStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Decode(ctx, noisy(t, 64, 64, 80), 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkDecode(b *testing.B) {
	data := noisy(b, 1632, 1224, 80)
	for _, points := range Points {
		b.Run(fmt.Sprint(points), func(b *testing.B) {
			for b.Loop() {
				if _, err := Decode(b.Context(), data, points); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(len(data)))
		})
	}
}
