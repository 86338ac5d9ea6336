package decode

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	xdraw "golang.org/x/image/draw"
)

var picturesFolder = flag.String("pictures", "", "folder to put the JPEGs of BenchmarkDecode into, for testdata/bench_pillow.py")

// photograph draws what makes JPEGs as large as those of cameras: soft light,
// edges, fine lines as of text, texture and noise.
func photograph(width, height int, seed uint64) *image.RGBA {
	random := rand.New(rand.NewPCG(seed, 1))
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			u, v := float64(x)/float64(width), float64(y)/float64(height)
			light := 40 * math.Sin(5*u+3*v) * math.Cos(7*v-2*u)
			img.SetRGBA(x, y, color.RGBA{byte(110 + 60*v + light), byte(120 + 50*u + light), byte(170 - 70*v + light), 255})
		}
	}
	for range 60 {
		at := image.Pt(random.IntN(width), random.IntN(height))
		size := image.Pt(width/40+random.IntN(width/6), height/40+random.IntN(height/6))
		fill := color.RGBA{byte(random.IntN(256)), byte(random.IntN(256)), byte(random.IntN(256)), 255}
		draw.Draw(img, image.Rectangle{at, at.Add(size)}, image.NewUniform(fill), image.Point{}, draw.Over)
	}
	for range 400 { // words
		at := image.Pt(random.IntN(width), random.IntN(height))
		for letter := range 12 {
			stroke := image.Rect(0, 0, 2+random.IntN(3), 8+random.IntN(10)).Add(at).Add(image.Pt(7*letter, 0))
			draw.Draw(img, stroke, image.Black, image.Point{}, draw.Src)
		}
	}
	for i := range img.Pix {
		if i%4 != 3 {
			img.Pix[i] = byte(min(max(float64(img.Pix[i])+4.2*random.NormFloat64(), 0), 255))
		}
	}
	return img
}

func photographJPEG(tb testing.TB, width, height, quality int, seed uint64) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, photograph(width, height, seed), &jpeg.Options{Quality: quality}); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// BenchmarkDecode decodes JPEGs as cameras write them. Pillow is the opponent:
//
//	go test -run - -bench Decode ./indexer/decode -pictures /tmp/pictures
//	python indexer/decode/testdata/bench_pillow.py /tmp/pictures
func BenchmarkDecode(b *testing.B) {
	library := openTurbo(b)
	variants := []struct {
		name    string
		decoder *Decoder
		target  Target
	}{
		{"go", new(Decoder), nil},
		{"turbo", &Decoder{Outside: library}, nil},
		{"reduced-256", new(Decoder), target(256, 256)},
		{"reduced-224", new(Decoder), target(224, 224)},
	}
	for _, size := range []struct{ width, height, quality int }{{1632, 1224, 88}, {4000, 3000, 92}} {
		data := photographJPEG(b, size.width, size.height, size.quality, 1)
		pixels := float64(size.width * size.height)
		name := fmt.Sprintf("%.0fMP", pixels/1e6)
		if *picturesFolder != "" {
			if err := os.WriteFile(filepath.Join(*picturesFolder, name+".jpg"), data, 0o644); err != nil {
				b.Fatal(err)
			}
		}
		for _, v := range variants {
			b.Run(name+"/"+v.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, _, err := v.decoder.Bytes(b.Context(), name, data, v.target, Limits{}); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(len(data))/pixels, "file-bytes/pixel")
			})
		}
	}
}

// What a reduced picture looks like to somebody who scales it to the target.
func TestReducedIsAccurate(t *testing.T) {
	for _, tt := range []struct{ width, height, side, reduced, turbo int }{
		{1632, 1224, 256, 816, 816},
		{1632, 1224, 224, 612, 816},
		{1200, 1600, 128, 300, 300},
		{1025, 1025, 64, 256, 256},
		{1600, 1201, 48, 200, 200},
	} {
		data := photographJPEG(t, tt.width, tt.height, 90, uint64(tt.width))
		whole, _, err := new(Decoder).Bytes(t.Context(), "whole", data, nil, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		ask := task{
			decoder: &Decoder{Outside: openTurbo(t)}, ctx: t.Context(), data: data, target: target(tt.side, tt.side),
			limits: Limits{}.withDefaults(), config: image.Config{Width: tt.width, Height: tt.height}, meta: metadata{orientation: 1},
		}
		for _, way := range []struct {
			name  string
			run   func() (picture, error)
			width int
		}{{"reduced", ask.runReduced, tt.reduced}, {"turbo", ask.runTurbo, tt.turbo}} {
			got, err := way.run()
			if err != nil {
				t.Fatal(err)
			}
			if got := got.image.Bounds().Dx(); got != way.width {
				t.Errorf("%+v by %s: a width of %d", tt, way.name, got)
			}
			difference, cosine := compare(scaled(got.image, tt.side), scaled(whole, tt.side))
			t.Logf("%+v by %s: root mean square difference %.2f of 255, cosine %.6f", tt, way.name, difference, cosine)
			if difference > 3 || cosine < 0.998 {
				t.Errorf("%+v by %s: root mean square difference %.2f of 255, cosine %.6f", tt, way.name, difference, cosine)
			}
		}
	}
}

func scaled(img image.Image, side int) []byte {
	out := image.NewRGBA(image.Rect(0, 0, side, side))
	xdraw.BiLinear.Scale(out, out.Rect, img, img.Bounds(), draw.Src, nil)
	return out.Pix
}

// compare returns the root of the mean square difference, and the cosine of
// what the model sees: values around zero.
func compare(a, b []byte) (difference, cosine float64) {
	var squares, dot, normA, normB, n float64
	for i := range a {
		if i%4 == 3 {
			continue
		}
		x, y := float64(a[i])-127.5, float64(b[i])-127.5
		squares, dot, normA, normB, n = squares+(x-y)*(x-y), dot+x*y, normA+x*x, normB+y*y, n+1
	}
	return math.Sqrt(squares / n), dot / math.Sqrt(normA*normB)
}

// BenchmarkReadColors is what finding out about colours costs a JPEG that is in sRGB,
// beside decoding it.
func BenchmarkReadColors(b *testing.B) {
	plain := photographJPEG(b, 1632, 1224, 88, 1)
	for name, data := range map[string][]byte{"none": plain, "sRGB": inserted(plain, profileSegment(string(readColors(b, "srgb.icc"))))} {
		b.Run(name, func(b *testing.B) {
			ask := task{decoder: new(Decoder), codec: codec{name: "jpeg"}, data: data}
			for b.Loop() {
				ask.data = withAdobe(ask.data)
				if ask.readColors() != nil {
					b.Fatal("it would be converted")
				}
			}
		})
	}
}
