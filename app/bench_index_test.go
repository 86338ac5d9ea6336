package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"polylens/app/bench"
	"polylens/encoder/graph"
	"polylens/encoder/hub"
	"polylens/encoder/preprocess"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/internal/needs"
)

// BenchmarkIndexRate indexes folders of JPEGs through the real indexer, model
// and Milvus, and compares that with the model alone on pictures that are decoded
// and resized already, measured before and after. It reports pictures a second,
// the ratio of the two and the most memory that the process held. The model is
// the one that POLYLENS_BENCH_MODEL names, else one with random weights of the
// size of B/16-224; POLYLENS_BENCH_PRECISION chooses its precision.
//
// Everything happens once, whatever -benchtime says: a second run on the same
// files would encode nothing.
func BenchmarkIndexRate(b *testing.B) {
	needs.ONNXRuntime(b)
	needs.Milvus(b)
	const pictures = 128 // starting and ending a job takes half a second
	x := indexParts(b, indexModel(b))
	for _, size := range []struct {
		name          string
		width, height int
	}{{"2MP", 1632, 1224}, {"12MP", 4000, 3000}} {
		folder := b.TempDir()
		writePhotos(b, folder, 0, 1, size.width, size.height)
		indexFolder(b, x, size.name, folder, 1) // makes the collection and warms everything up
		density := writePhotos(b, folder, 1, pictures, size.width, size.height)
		before := pureRate(b, x, folder)
		forgetPeak(b)
		rate := indexFolder(b, x, size.name, folder, pictures)
		peak := bench.MemoryOf("VmHWM")
		pure := (before + pureRate(b, x, folder)) / 2
		b.Logf("%s: JPEGs of %.2f bytes a pixel, %.2f pictures a second, %.2f encoded alone", size.name, density, rate, pure)
		b.Run(size.name, func(b *testing.B) {
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(rate, "images/s")
			b.ReportMetric(rate/pure, "of-pure-rate")
			b.ReportMetric(float64(peak)/1e6, "peak-MB")
		})
	}
}

func indexParts(b *testing.B, model string) *parts {
	b.Helper()
	globals := globals{
		Data: filepath.Join(b.TempDir(), "data"), Cache: b.TempDir(), Model: model, Precision: os.Getenv("POLYLENS_BENCH_PRECISION"),
		Onnxruntime: needs.ONNXRuntime(b), Milvus: needs.Milvus(b),
		Turbojpeg: os.Getenv("POLYLENS_TURBOJPEG"), DecodeMiB: 1024,
	}
	return openWorking(b, newProgram(globals, terminal{in: os.Stdin, out: io.Discard, err: io.Discard}, slog.New(slog.DiscardHandler)))
}

// openWorking opens all rooms of a program, and closes them in the end.
func openWorking(b testing.TB, p *program) *parts {
	b.Helper()
	b.Cleanup(func() {
		if err := p.close(context.Background()); err != nil {
			b.Error(err)
		}
	})
	x, err := p.openParts(b.Context())
	if err == nil {
		err = x.connect(b.Context())
	}
	if err == nil {
		err = x.work(b.Context())
	}
	if err != nil {
		b.Fatal(err)
	}
	return x
}

// indexFolder indexes what is new in a folder and returns pictures a second.
func indexFolder(b *testing.B, x *parts, collection, folder string, expected int) float64 {
	b.Helper()
	began := time.Now()
	job, err := x.jobs.Index(b.Context(), strings.ToLower(collection), indexer.JobParams{Directory: folder})
	for err == nil && !job.State.Finished() {
		time.Sleep(5 * time.Millisecond)
		job, err = x.jobs.Get(b.Context(), job.ID)
	}
	var report indexer.Report
	if err := errors.Join(err, json.Unmarshal(job.Progress, &report)); err != nil {
		b.Fatal(err)
	}
	if report.Encoded+report.Reused != expected || len(report.Failures) > 0 || job.State != catalog.JobSucceeded {
		b.Fatalf("%+v instead of %d new pictures: %v", report.Progress, expected, report.Failures)
	}
	return float64(expected) / time.Since(began).Seconds()
}

// pureRate is how many pictures a second the model encodes, in batches as the
// indexer makes them, once they are decoded and resized.
func pureRate(b *testing.B, x *parts, folder string) float64 {
	b.Helper()
	const batch, least = 16, 3
	pictures, err := bench.ReadPictures(b.Context(), folder, 4)
	if err != nil {
		b.Fatal(err)
	}
	pixels := make([]preprocess.Pixels, batch)
	for i := range pixels {
		if pixels[i], err = x.encoder().Preprocess(pictures[i%len(pictures)]); err != nil {
			b.Fatal(err)
		}
	}
	began, rounds := time.Now(), 0
	for ; rounds < least || time.Since(began) < time.Second; rounds++ { // a small model takes milliseconds
		if _, err := x.encoder().EncodePixels(b.Context(), pixels); err != nil {
			b.Fatal(err)
		}
	}
	return float64(batch*rounds) / time.Since(began).Seconds()
}

// forgetPeak makes Linux count the peak of memory from here on, without what making
// the model and the pictures took.
func forgetPeak(b *testing.B) {
	b.Helper()
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		b.Logf("the peak of memory includes what came before: %v", err)
	}
}

// indexModel is the directory of the model to index with.
func indexModel(b *testing.B) string {
	b.Helper()
	if dir := os.Getenv("POLYLENS_BENCH_MODEL"); dir != "" {
		return dir
	}
	dir := b.TempDir()
	bundled, err := hub.Bundled(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json"} {
		content, err := os.ReadFile(filepath.Join(bundled, name))
		if err != nil {
			b.Fatal(err)
		}
		writeFile(b, filepath.Join(dir, name), string(content))
	}
	writeFile(b, filepath.Join(dir, siglip2.ConfigFile),
		`{"model_type":"siglip","text_config":{"num_hidden_layers":1,"vocab_size":16384},"vision_config":{}}`)
	writeFile(b, filepath.Join(dir, "preprocessor_config.json"), `{"do_normalize":true,"do_rescale":true,"do_resize":true,`+
		`"image_mean":[0.5,0.5,0.5],"image_std":[0.5,0.5,0.5],"image_processor_type":"SiglipImageProcessor","resample":2,`+
		`"rescale_factor":0.00392156862745098,"size":{"height":224,"width":224}}`)
	writeRandomWeights(b, dir, 9)
	return dir
}

// writeRandomWeights writes a checkpoint for the config.json in dir.
func writeRandomWeights(t testing.TB, dir string, seed uint64) {
	t.Helper()
	config, err := siglip2.ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	weights := &randomWeights{random: rand.New(rand.NewPCG(seed, 9)), used: map[string]*graph.Value{}}
	for _, build := range []func(siglip2.Config, siglip2.Parameters, siglip2.Options) (*graph.Graph, error){
		siglip2.BuildText, siglip2.BuildVision,
	} {
		if _, err := build(config, weights, siglip2.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := safetensors.WriteFile(filepath.Join(dir, safetensors.SingleFile), weights.all); err != nil {
		t.Fatal(err)
	}
}

// randomWeights are siglip2.Parameters that make up every weight asked for.
type randomWeights struct {
	random *rand.Rand
	used   map[string]*graph.Value
	all    []safetensors.Weights
}

// Parameter implements siglip2.Parameters.
func (w *randomWeights) Parameter(g *graph.Graph, name string, shape ...int64) *graph.Value {
	if value, ok := w.used[name]; ok {
		return value
	}
	count, _ := graph.Shape(shape).Elements()
	centre, spread := float32(1), float32(1) // of norms and biases
	if len(shape) > 1 {
		centre, spread = 0, float32(2*math.Sqrt(3*float64(shape[0])/float64(count))) // sums over all inputs keep unit variance
	}
	values := make([]float32, count)
	for i := range values {
		values[i] = centre + spread*(w.random.Float32()-0.5)
	}
	w.all = append(w.all, safetensors.Weights{Name: name, Shape: shape, Values: values})
	at := graph.External{Location: safetensors.SingleFile, Length: 4 * count}
	w.used[name] = g.External(name, graph.Float32, shape, at)
	return w.used[name]
}
