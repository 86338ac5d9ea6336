package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/internal/needs"
	"polylens/search"
	"polylens/search/milvus"
	"polylens/web"
	"polylens/web/webtest"
)

const (
	benchImages     = 100_000
	benchCollection = "bench"
	benchLimit      = 10
)

// BenchmarkSearchHTTP measures one search by text over HTTP among 100,000
// images: query in, text encoded, Milvus asked, catalogue joined, JSON out. Its
// opponent in the same run is Milvus alone, asked for the same vectors; the
// text tower alone says what the rest is spent on. Every query is new, so that
// no cache answers.
func BenchmarkSearchHTTP(b *testing.B) {
	needs.ONNXRuntime(b)
	needs.Milvus(b)
	x := benchParts(b)
	fillBench(b, x)
	server := webtest.Serve(b, benchHandler(b, x))
	medians := map[string]time.Duration{}
	b.Run("http", func(b *testing.B) {
		medians["http"] = benchTimed(b, func(i int) error { return benchGet(server, benchText("http", i)) })
	})
	b.Run("text-alone", func(b *testing.B) {
		medians["text"] = benchTimed(b, func(i int) error {
			_, err := x.encoder().EncodeTexts(b.Context(), []string{benchText("text", i)})
			return err
		})
	})
	vectors := benchVectors(b, x)
	b.Run("milvus-alone", func(b *testing.B) {
		medians["milvus"] = benchTimed(b, func(i int) error {
			_, err := x.index.Search(b.Context(), benchCollection, search.Query{Vector: vectors[i%len(vectors)], Limit: benchLimit})
			return err
		})
	})
	b.Logf("over HTTP a search takes %.2f times the median of Milvus alone, and %.2f times that of Milvus and the text tower together",
		ratio(medians["http"], medians["milvus"]), ratio(medians["http"], medians["milvus"]+medians["text"]))
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

// benchText is a query that was not asked before in this run.
func benchText(run string, i int) string {
	return fmt.Sprintf("%s %d красное яблоко on a table", run, i)
}

func benchVectors(b *testing.B, x *parts) [][]float32 {
	b.Helper()
	texts := make([]string, 256)
	for i := range texts {
		texts[i] = benchText("vector", i)
	}
	vectors, err := x.encoder().EncodeTexts(b.Context(), texts)
	if err != nil {
		b.Fatal(err)
	}
	return vectors
}

func benchGet(server *httptest.Server, text string) error {
	response, err := server.Client().Get(fmt.Sprintf("%s/api/v1/collections/%s/search?limit=%d&q=%s",
		server.URL, benchCollection, benchLimit, url.QueryEscape(text)))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	return err
}

func benchParts(b *testing.B) *parts {
	b.Helper()
	globals := globals{
		Data: filepath.Join(b.TempDir(), "data"), Model: bundledModel,
		Onnxruntime: needs.ONNXRuntime(b), Milvus: needs.Milvus(b),
	}
	p := newProgram(globals, terminal{in: os.Stdin, out: io.Discard, err: io.Discard}, slog.New(slog.DiscardHandler))
	return openWorking(b, p)
}

func benchHandler(b *testing.B, x *parts) *web.Handler {
	b.Helper()
	handler, err := x.handler(handlerOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(handler.Close)
	return handler
}

// fillBench makes a collection without pictures: catalogue rows, and vectors around
// 2,000 centres, as pictures of 2,000 things would be distributed. It waits until
// Milvus has built its graph.
func fillBench(b *testing.B, x *parts) {
	b.Helper()
	ctx := b.Context()
	key := search.Key{Collection: benchCollection, Fingerprint: x.encoder().PictureFingerprint()}
	for _, step := range []func() error{
		func() error { _, err := x.store.CreateCollection(ctx, benchCollection, 0); return err },
		func() error { return x.store.SetFingerprint(ctx, key.Collection, key.Fingerprint, 0) },
		func() error { return x.index.Ensure(ctx, key, x.encoder().Dimension()) },
		func() error { return fillRows(ctx, x, key) },
		func() error { return x.index.Flush(ctx) },
		func() error {
			index, err := x.index.Get()
			if err != nil {
				return err
			}
			return index.(*milvus.Index).WaitIndexed(ctx, key)
		},
	} {
		if err := step(); err != nil {
			b.Fatal(err)
		}
	}
	time.Sleep(15 * time.Second) // until the server is quiet
}

func fillRows(ctx context.Context, x *parts, key search.Key) error {
	random := rand.New(rand.NewPCG(3, 3))
	centres := make([][]float32, 2000)
	for i := range centres {
		centres[i] = scatter(random, make([]float32, x.encoder().Dimension()))
	}
	const part = 5000
	for start := 0; start < benchImages; start += part {
		records, rows := make([]catalog.Record, part), make([]search.Row, part)
		for i := range rows {
			image := catalog.Image{
				URI: fmt.Sprintf("file:///pictures/%06d.png", start+i), Source: "bench", SHA256: fmt.Sprintf("%064x", start+i),
				Width: 64, Height: 64, Format: "png", Metadata: map[string]any{"number": start + i},
				Captions: []catalog.Caption{{Language: "en", Text: fmt.Sprintf("picture %d", start+i)}},
			}
			vector := scatter(random, centres[random.IntN(len(centres))])
			records[i] = catalog.Record{Image: image, Vector: vector}
			rows[i] = search.Row{ID: catalog.ImageID(key.Collection, image.URI), Vector: vector, Metadata: image.Metadata}
		}
		if err := x.store.SaveImages(ctx, key.Collection, key.Fingerprint, records); err != nil {
			return err
		}
		if err := x.index.Upsert(ctx, key, rows); err != nil {
			return err
		}
	}
	return nil
}

// scatter is a unit vector: the centre and as much noise.
func scatter(random *rand.Rand, centre []float32) []float32 {
	vector := make([]float32, len(centre))
	var sum float64
	for i := range vector {
		x := float64(centre[i]) + random.NormFloat64()/math.Sqrt(float64(len(vector)))
		vector[i] = float32(x)
		sum += x * x
	}
	for i := range vector {
		vector[i] /= float32(math.Sqrt(sum))
	}
	return vector
}

// benchTimed runs ask b.N times, reports the median and the 99th percentile
// and returns the median.
func benchTimed(b *testing.B, ask func(i int) error) time.Duration {
	b.Helper()
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		if err := ask(len(took)); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	median := took[len(took)/2]
	b.ReportMetric(median.Seconds()*1000, "median-ms")
	b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
	return median
}
