package main

import (
	"encoding/json"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"polylens/app/bench"
	"polylens/encoder/hub"
	"polylens/encoder/siglip2"
	"polylens/internal/needs"
)

func TestBenchEncode(t *testing.T) {
	needs.ONNXRuntime(t)
	f := newFolders(t)
	f.env = []string{"POLYLENS_MILVUS=/nowhere"}
	text := f.succeed(t, "bench", "encode", "--batch", "2", "--threads", "1", "--seconds", "0.1", "--pictures", drawnFolder(t), "--json")
	var keys map[string]any
	if err := json.Unmarshal([]byte(text), &keys); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"images_per_second", "texts_per_second", "gflops", "gemm_gflops", "text_latency_ms", "text_latency_cached_ms"} {
		if rate, ok := keys[key].(float64); !ok || rate <= 0 || math.IsInf(rate, 0) {
			t.Errorf("%s is %v", key, keys[key])
		}
	}
	rates := objects[bench.EncodeRates](t, text)[0]
	if rates.Batch != 2 || rates.Threads != 1 || rates.Precision != "fp32" || rates.Device != "cpu" {
		t.Errorf("measured %+v", rates)
	}
	if rates.TextLatencyCached > rates.TextLatency/10 {
		t.Errorf("a cached text takes %v ms, a new one %v ms: the texts were not new, or the cache does not answer",
			rates.TextLatencyCached, rates.TextLatency)
	}
	if want := rates.ImagesPerSecond * bundledGFLOP(t); math.Abs(rates.GFLOPS/want-1) > 0.001 {
		t.Errorf("%v GFLOP/s at %v pictures a second, want %v", rates.GFLOPS, rates.ImagesPerSecond, want)
	}
}

// bundledGFLOP is what the bundled model computes for one picture.
func bundledGFLOP(t *testing.T) float64 {
	t.Helper()
	dir, err := hub.Bundled(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	config, err := siglip2.ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	return float64(config.VisionFLOPs(config.Vision.Patches())) / 1e9
}

// drawnFolder is a folder of one picture.
func drawnFolder(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	file, err := os.Create(filepath.Join(folder, "waves.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := png.Encode(file, bench.DrawWaves(64, 1)); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestBenchEncodeForPeople(t *testing.T) {
	needs.ONNXRuntime(t)
	text := newFolders(t).succeed(t, "bench", "encode", "--batch", "1", "--seconds", "0")
	for _, want := range []string{bundledModel, "1 together", "pictures", "GFLOP/s in fp32"} {
		if !strings.Contains(text, want) {
			t.Errorf("the table lacks %q:\n%s", want, text)
		}
	}
}

func TestBenchEncodeRefuses(t *testing.T) {
	f := newFolders(t)
	for _, test := range []struct{ flag, value, word string }{
		{"--batch", "0", "1 to 1024"},
		{"--batch", "many", "--batch"},
		{"--seconds", "4000", "0 to 3600"},
		{"--seconds", "NaN", "0 to 3600"},
		{"--precision", "fp4", "fp32"},
		{"--pictures", "/no/such/folder", "/no/such/folder"},
	} {
		f.fail(t, exitUsage, []string{test.word}, "bench", "encode", test.flag, test.value)
	}
	needs.ONNXRuntime(t)
	f.fail(t, exitNotFound, []string{"no-such-model"}, "bench", "encode", "--model", "no-such-model")
	f.fail(t, exitFailure, []string{"there is no picture in"}, "bench", "encode", "--pictures", t.TempDir())
}
