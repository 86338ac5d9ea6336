package batch_test

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"polylens/encoder/preprocess"
	"polylens/indexer/decode"
	"polylens/trainer/data"
	"polylens/trainer/data/augment"
	"polylens/trainer/data/batch"
	"polylens/trainer/data/inspect"
)

const (
	drawings    = 200
	drawingSide = 72
	modelSide   = 64
)

// drawingFile writes a PNG with transparency that no other number gives.
func drawingFile(t testing.TB, path string, number int) {
	t.Helper()
	picture := image.NewNRGBA(image.Rect(0, 0, drawingSide, drawingSide))
	for y := range drawingSide {
		for x := range drawingSide {
			if u, v := x-36, y-36; u*u+v*v < 30*30 {
				level := uint8((x*(1+number%7) + y*(1+number/7)) % 256)
				picture.SetNRGBA(x, y, color.NRGBA{level, uint8(number), 255 - level, 255})
			}
		}
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := png.Encode(file, picture); err != nil {
		t.Fatal(err)
	}
}

// newLoader goes the whole way from a file of pairs to a Loader.
func newLoader(t testing.TB, workers int) *batch.Loader {
	t.Helper()
	folder := t.TempDir()
	var lines strings.Builder
	for i := range drawings {
		drawingFile(t, filepath.Join(folder, fmt.Sprint(i, ".png")), i)
		fmt.Fprintf(&lines, `{"image":"%d.png","captions":{"en":"number %d","de":"Nummer %d"}}`+"\n", i, i, i)
	}
	pairs := filepath.Join(folder, "pairs.jsonl")
	if err := os.WriteFile(pairs, []byte(lines.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	set, err := data.Collect(t.Context(), data.Lines{Path: pairs})
	if err != nil {
		t.Fatal(err)
	}
	files := data.NewFiles(data.FileOptions{})
	t.Cleanup(files.Close)
	decoder := data.DecodeWith(new(decode.Decoder), decode.Limits{})
	found, err := inspect.Inspect(t.Context(), set, files, decoder, inspect.Options{Near: inspect.Off})
	if err != nil {
		t.Fatal(err)
	}
	parts, err := found.Split(1, inspect.Shares{Validation: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	sampler, err := batch.NewSampler(set, found.Items, inspect.Select(parts, inspect.Training), batch.Options{Seed: 1, Size: 32})
	if err != nil {
		t.Fatal(err)
	}
	return batch.NewLoader(sampler, batch.LoaderOptions{
		Opener: files, Decoder: decoder, Augmenter: art(t), Preprocessor: processor(t), Workers: workers,
	})
}

func art(t testing.TB) *augment.Augmenter {
	t.Helper()
	options, err := augment.Preset("art")
	if err != nil {
		t.Fatal(err)
	}
	options.Size = modelSide
	augmenter, err := augment.New(options, 1)
	if err != nil {
		t.Fatal(err)
	}
	return augmenter
}

func processor(t testing.TB) func(int) batch.Preprocessor {
	t.Helper()
	p, err := preprocess.Parse(fmt.Appendf(nil, `{"size":{"height":%d,"width":%d}}`, modelSide, modelSide))
	if err != nil {
		t.Fatal(err)
	}
	return func(int) batch.Preprocessor { return p }
}

func load(t testing.TB, l *batch.Loader, from, end int) []batch.Loaded {
	t.Helper()
	var all []batch.Loaded
	for loaded, err := range l.Batches(t.Context(), from) {
		if err != nil {
			t.Fatal(err)
		}
		if all = append(all, loaded); len(all) == end-from {
			break
		}
	}
	return all
}

func TestFromFileToPixels(t *testing.T) {
	through := load(t, newLoader(t, 1), 0, 8)
	for _, loaded := range through {
		if len(loaded.Pixels) != 32 || len(loaded.Pairs) != 32 || len(loaded.Replaced) != 0 {
			t.Fatalf("step %d: %d pictures, %d texts, replaced %v", loaded.Step, len(loaded.Pixels), len(loaded.Pairs), loaded.Replaced)
		}
		if n := len(loaded.Pixels[0].Values); n != 3*modelSide*modelSide {
			t.Fatalf("a picture has %d values", n)
		}
	}
	if resumed := load(t, newLoader(t, 4), 5, 8); !reflect.DeepEqual(resumed, through[5:]) {
		t.Error("going on at step 5 with 4 workers gives something else")
	}
}

// One operation is a picture from its file to what the model takes.
func BenchmarkLoader(b *testing.B) {
	l := newLoader(b, 0)
	b.ResetTimer()
	left := b.N
	for loaded, err := range l.Batches(b.Context(), 0) {
		if err != nil {
			b.Fatal(err)
		}
		if left -= len(loaded.Pixels); left <= 0 {
			break
		}
	}
}
