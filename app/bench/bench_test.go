package bench

import (
	"context"
	"errors"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"polylens/encoder/graph"
	"polylens/encoder/ort"
	"polylens/internal/needs"
)

// TestMedian: the first run only warms up, and a disturbed one does not count.
func TestMedian(t *testing.T) {
	runs := 0
	seconds, err := new(encodeBench).median(func() error {
		runs++
		if runs == 1 || runs == 3 {
			time.Sleep(100 * time.Millisecond)
		}
		return nil
	})
	if err != nil || runs != 1+fewestRuns || seconds > 0.05 {
		t.Errorf("%d runs took %v s, %v", runs, seconds, err)
	}
	broken := errors.New("broken")
	if _, err := new(encodeBench).median(func() error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// TestNewTexts: no text comes twice, so that no cache answers.
func TestNewTexts(t *testing.T) {
	b, seen := new(encodeBench), map[string]bool{}
	for _, text := range append(b.newTexts(3), b.newTexts(4)...) {
		seen[text] = true
	}
	if len(seen) != 7 {
		t.Errorf("%d of 7 texts are different", len(seen))
	}
}

// TestPictures: as many as a batch needs are drawn or read, and no more.
func TestPictures(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"a.png", "b.png", "c.png"} {
		file, err := os.Create(filepath.Join(folder, name))
		if err == nil {
			err = errors.Join(png.Encode(file, DrawWaves(32, len(name))), file.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		folder      string
		batch, want int
	}{{"", 2, 2}, {"", 100, drawn}, {folder, 2, 2}, {folder, 100, 3}} {
		b := &encodeBench{EncodeOrder: EncodeOrder{Batch: test.batch, Pictures: test.folder}}
		if pictures, err := b.pictures(t.Context()); err != nil || len(pictures) != test.want {
			t.Errorf("%+v: %d pictures, %v", test, len(pictures), err)
		}
	}
	if _, err := ReadPictures(t.Context(), t.TempDir(), 1); err == nil || !strings.Contains(err.Error(), "no picture") {
		t.Errorf("an empty folder: %v", err)
	}
	if a, b := DrawWaves(8, 1), DrawWaves(8, 2); a.At(3, 3) == b.At(3, 3) {
		t.Error("two drawn pictures are the same")
	}
}

// TestGEMM multiplies small matrices both ways, and finds the rate of the best.
func TestGEMM(t *testing.T) {
	library := needs.ONNXRuntime(t)
	environment, err := ort.Open(library)
	if err != nil {
		t.Fatal(err)
	}
	for name, compose := range map[string]func(gemm) (*graph.Graph, error){"fp32": gemm.floats, "int8": gemm.integers} {
		seconds, err := gemm{8, 16, 32}.best(context.Background(), environment, 1, compose)
		if err != nil || seconds <= 0 || seconds > gemmSeconds {
			t.Errorf("%s: %v s, %v", name, seconds, err)
		}
	}
}
