package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"polylens/encoder/hub"
	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/internal/needs"
)

// BenchmarkIndexSmall brings drawings of 96 pixels into collections, from a folder and by
// lines of JSON, with the bundled model and with one that costs nothing. It reports
// pictures a second, and how much that is of what the model encodes alone, measured before
// and after. Everything happens once, whatever -benchtime says.
func BenchmarkIndexSmall(b *testing.B) {
	needs.ONNXRuntime(b)
	needs.Milvus(b)
	model, err := hub.Bundled(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	x := indexParts(b, model)
	drawings, others := drawMany(1, 4000), drawMany(2, 4000)
	folder := b.TempDir()
	for i, drawing := range drawings {
		writeFile(b, filepath.Join(folder, fmt.Sprintf("%05d.png", i)), string(drawing))
	}
	free := freeParts(b, x)
	warm := drawMany(3, 20)
	for _, x := range []*parts{x, free} { // making a collection in Milvus takes seconds, and is not what is measured
		pushDrawings(b, x, "push", warm)
		pushDrawings(b, x, "folder", warm)
		pushDrawings(b, x, "push-free", warm)
		pushDrawings(b, x, "folder-free", warm)
	}
	before := pureRate(b, x, folder)
	stop := logCPU(b, "folder", len(drawings))
	rates := map[string]float64{"folder": indexFolder(b, x, "folder", folder, len(drawings))}
	stop()
	rates["push"] = pushDrawings(b, x, "push", others)
	pure := (before + pureRate(b, x, folder)) / 2
	for name, rate := range map[string]float64{
		"folder-free": indexFolder(b, free, "folder-free", folder, len(drawings)), "push-free": pushDrawings(b, free, "push-free", others),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(rate, "images/s")
		})
	}
	for name, rate := range rates {
		b.Run(name, func(b *testing.B) {
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(rate, "images/s")
			b.ReportMetric(rate/pure, "of-pure-rate")
		})
	}
}

// drawMany draws different pictures, each as a file.
func drawMany(seed uint64, count int) [][]byte {
	random := rand.New(rand.NewPCG(seed, 2))
	drawings := make([][]byte, count)
	for i := range drawings {
		drawings[i] = drawOne(random)
	}
	return drawings
}

// drawOne draws some rectangles.
func drawOne(random *rand.Rand) []byte {
	const side = 96
	picture := image.NewNRGBA(image.Rect(0, 0, side, side))
	for range 6 {
		x, y, c := random.IntN(side), random.IntN(side), color.NRGBA{uint8(random.Uint32()), uint8(random.Uint32()), uint8(random.Uint32()), 255}
		for v := y; v < min(side, y+random.IntN(side)); v++ {
			for u := x; u < min(side, x+side/2); u++ {
				picture.SetNRGBA(u, v, c)
			}
		}
	}
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		panic(err) // into memory
	}
	return file.Bytes()
}

// pushDrawings sends drawings as lines of JSON and returns pictures a second.
func pushDrawings(b *testing.B, x *parts, collection string, drawings [][]byte) float64 {
	b.Helper()
	defer logCPU(b, collection, len(drawings))()
	began := time.Now()
	reader, writer := io.Pipe()
	go func() {
		encoder := json.NewEncoder(writer)
		for i, drawing := range drawings {
			if err := encoder.Encode(map[string]any{"id": fmt.Sprint(len(drawings), "-", i), "data": drawing, "metadata": map[string]any{"n": i}}); err != nil {
				break // the reader has ended
			}
		}
		_ = writer.Close()
	}()
	job, err := x.pushes.Receive(b.Context(), collection, reader)
	for err == nil && !job.State.Finished() {
		time.Sleep(5 * time.Millisecond)
		job, err = x.jobs.Get(b.Context(), job.ID)
	}
	if err != nil {
		b.Fatal(err)
	}
	var report indexer.PushProgress
	if err := json.Unmarshal(job.Progress, &report); err != nil || job.State != catalog.JobSucceeded || report.Counts.Created != len(drawings) {
		b.Fatalf("%s: %+v (%s, %v)", job.State, report.Counts, job.Error, err)
	}
	return float64(len(drawings)) / time.Since(began).Seconds()
}

// logCPU logs what a picture costs in processor time, here and in Milvus.
func logCPU(b *testing.B, name string, pictures int) func() {
	own, milvus := cpuOf(b)
	return func() {
		ownAfter, milvusAfter := cpuOf(b)
		each := func(took time.Duration) float64 { return took.Seconds() * 1000 / float64(pictures) }
		b.Logf("%s: %.2f ms of processor time a picture here, %.2f in Milvus", name, each(ownAfter-own), each(milvusAfter-milvus))
	}
}

// cpuOf is the processor time of this process, and of all below it.
func cpuOf(b testing.TB) (own, below time.Duration) {
	b.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		b.Fatal(err)
	}
	parents, times := make(map[int]int), make(map[int]time.Duration)
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		var pid, parent int
		if _, err := fmt.Sscan(string(text), &pid); err != nil {
			b.Fatal(err)
		}
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		parent, _ = strconv.Atoi(fields[1])
		user, _ := strconv.Atoi(fields[11])
		system, _ := strconv.Atoi(fields[12])
		parents[pid], times[pid] = parent, time.Duration(user+system)*10*time.Millisecond
	}
	for pid, took := range times {
		ancestor := pid
		for ancestor > 1 && ancestor != os.Getpid() {
			ancestor = parents[ancestor]
		}
		if ancestor == os.Getpid() && pid != os.Getpid() {
			below += took
		}
	}
	return times[os.Getpid()], below
}

// freeParts are other parts whose model costs nothing, on a data folder of their own and
// the Milvus of x.
func freeParts(b *testing.B, x *parts) *parts {
	b.Helper()
	globals := x.program.globals
	globals.Data = filepath.Join(b.TempDir(), "free")
	free := newProgram(globals, terminal{in: os.Stdin, out: io.Discard, err: io.Discard}, x.program.log)
	b.Cleanup(func() {
		if err := free.close(context.Background()); err != nil {
			b.Error(err)
		}
	})
	parts, err := free.openParts(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	read := indexer.DecodeWith(parts.decoder, parts.limits)
	parts.indexer = indexer.New(parts.store, &freeEncoder{Encoder: parts.rollout.IndexerEncoder()}, parts.index, read, indexer.Options{Log: free.log, Room: free.room})
	if err := parts.openBlobs(b.Context(), read); err != nil {
		b.Fatal(err)
	}
	if err := parts.openJobs(); err != nil {
		b.Fatal(err)
	}
	if err := parts.connect(b.Context()); err != nil {
		b.Fatal(err)
	}
	if err := parts.work(b.Context()); err != nil {
		b.Fatal(err)
	}
	return parts
}

// freeEncoder gives each picture a vector that costs nothing.
type freeEncoder struct {
	indexer.Encoder
	count atomic.Int64
}

// For implements indexer.Encoder.
func (e *freeEncoder) For(int) (indexer.Encoder, error) { return e, nil }

// EncodePixels implements indexer.Encoder.
func (e *freeEncoder) EncodePixels(_ context.Context, pixels []indexer.Pixels) ([][]float32, error) {
	vectors := make([][]float32, len(pixels))
	for i := range pixels {
		vectors[i] = make([]float32, e.Dimension())
		vectors[i][e.count.Add(1)%int64(e.Dimension())] = 1
	}
	return vectors, nil
}
