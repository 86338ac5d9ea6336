package main

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"polylens/app/bench"
	"polylens/encoder"
	"polylens/encoder/hub"
	"polylens/internal/needs"
)

// leakEnv sets how many texts and pictures TestMemoryStaysFlat encodes, for
// example 200000, a busy day's work.
const leakEnv = "POLYLENS_LEAK"

const leakCallers = 4

// leakNoise is the difference of resident memory, in MB, between two looks at a
// process that leaks nothing.
const leakNoise = 4

// leakWarmUp is how much is encoded before the first look: it fills the cache of
// text vectors and takes the memory that every size of batch needs.
const leakWarmUp = 3000

// TestMemoryStaysFlat encodes texts and pictures from several goroutines with
// the bundled model and looks at the memory of the process after each tenth of
// the work: it must not grow after the first.
func TestMemoryStaysFlat(t *testing.T) {
	needs.ONNXRuntime(t)
	total := leakCount(t)
	model := leakModel(t)
	encodeMany(t, model, -1, leakWarmUp)
	var series []int64
	began := time.Now()
	for tenth := range 10 {
		encodeMany(t, model, tenth, total/10)
		debug.FreeOSMemory() // what Go keeps for later is no leak
		series = append(series, bench.MemoryOf("VmRSS")>>20)
	}
	t.Logf("%d encoded in %.0f s; MB resident after each tenth: %d", total, time.Since(began).Seconds(), series)
	if series[0] == 0 {
		t.Skip("this system does not tell how much memory is resident")
	}
	if most := series[0] + series[0]/20 + leakNoise; series[9] > most {
		t.Errorf("resident memory grew from %d to %d MB", series[0], series[9])
	}
}

func leakCount(t *testing.T) int {
	t.Helper()
	given := os.Getenv(leakEnv)
	if given == "" {
		return 2000
	}
	count, err := strconv.Atoi(given)
	if err != nil || count < 1000 {
		t.Fatalf("%s=%s: want a number from 1000", leakEnv, given)
	}
	return count
}

func leakModel(t *testing.T) *encoder.Encoder {
	t.Helper()
	dir, err := hub.Bundled(filepath.Join(t.TempDir(), "models"))
	if err != nil {
		t.Fatal(err)
	}
	model, err := encoder.Open(t.Context(), dir, encoder.Options{Library: needs.ONNXRuntime(t), Cache: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { model.Close() })
	return model
}

// encodeMany encodes count things, half of them new texts and half pictures,
// in batches of one to eight.
func encodeMany(t *testing.T, model *encoder.Encoder, tenth, count int) {
	t.Helper()
	group, ctx := errgroup.WithContext(t.Context())
	for caller := range leakCallers {
		group.Go(func() error {
			for done, size := 0, 1; done < count/leakCallers; done, size = done+2*size, size%8+1 {
				texts, pictures := make([]string, size), make([]image.Image, size)
				for i := range size {
					texts[i] = fmt.Sprintf("picture %d of caller %d in part %d", done+i, caller, tenth)
					pictures[i] = bench.DrawWaves(64+size, done+i)
				}
				if _, err := model.EncodeTexts(ctx, texts); err != nil {
					return err
				}
				if _, err := model.EncodeImages(ctx, pictures); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}
