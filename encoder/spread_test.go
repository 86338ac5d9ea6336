package encoder_test

import (
	"context"
	"errors"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"testing"

	"polylens/encoder"
	"polylens/encoder/hub"
	"polylens/encoder/preprocess"
	"polylens/internal/needs"
)

// spreadModel is the bundled model with two threads, and some pictures for it.
func spreadModel(t testing.TB, count int) (*encoder.Encoder, []preprocess.Pixels) {
	t.Helper()
	dir, err := hub.Bundled(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	e, err := encoder.Open(context.Background(), dir, encoder.Options{Library: needs.ONNXRuntime(t), Threads: 2, Cache: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	random := rand.New(rand.NewPCG(1, 1))
	pixels := make([]preprocess.Pixels, count)
	for i := range pixels {
		picture := image.NewNRGBA(image.Rect(0, 0, 32, 32))
		for j := range picture.Pix {
			picture.Pix[j] = uint8(random.Uint32())
		}
		picture.Set(i, i, color.White)
		if pixels[i], err = e.Preprocess(picture); err != nil {
			t.Fatal(err)
		}
	}
	return e, pixels
}

// TestSpread: pictures that are encoded side by side have the vectors that they have when
// they are encoded together, in their order, also when they cannot be shared out evenly.
func TestSpread(t *testing.T) {
	e, pixels := spreadModel(t, 7)
	together, spread, err := encoder.EncodeTogether(t.Context(), e, pixels)
	if err != nil || !spread {
		t.Fatalf("the bundled model is spread: %t (%v)", spread, err)
	}
	for count := range len(pixels) + 1 {
		vectors, err := e.EncodePixels(t.Context(), pixels[:count])
		if err != nil || len(vectors) != count {
			t.Fatalf("%d vectors of %d pictures (%v)", len(vectors), count, err)
		}
		for i, vector := range vectors {
			for j, x := range vector {
				if math.Abs(float64(x-together[i][j])) > 1e-4 {
					t.Fatalf("picture %d of %d: number %d is %v, want %v", i, count, j, x, together[i][j])
				}
			}
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := e.EncodePixels(ended, pixels); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context gives %v", err)
	}
}

// BenchmarkSpread encodes 16 pictures with the bundled model and two threads, side by side
// and together, and reports the ratio.
func BenchmarkSpread(b *testing.B) {
	e, pixels := spreadModel(b, 16)
	rates := make(map[string]float64)
	for name, encode := range map[string]func() error{
		"spread":   func() error { _, err := e.EncodePixels(b.Context(), pixels); return err },
		"together": func() error { _, _, err := encoder.EncodeTogether(b.Context(), e, pixels); return err },
	} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				if err := encode(); err != nil {
					b.Fatal(err)
				}
			}
			rates[name] = float64(16*b.N) / b.Elapsed().Seconds()
			b.ReportMetric(rates[name], "pictures/s")
			if rates["spread"] > 0 && rates["together"] > 0 {
				b.ReportMetric(rates["spread"]/rates["together"], "spread/together")
			}
		})
	}
}
