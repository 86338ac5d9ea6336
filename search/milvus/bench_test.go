package milvus

import (
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/milvus-io/milvus-sdk-go/v2/client"
	"github.com/milvus-io/milvus-sdk-go/v2/entity"

	"polylens/search"
	"polylens/search/exact"
	"polylens/search/searchtest"
)

var (
	benchRows = flag.Int("bench.rows", 100_000, "rows in the benchmarked collection")
	benchDim  = flag.Int("bench.dim", 192, "numbers of a vector in the benchmarked collection")
	benchSpan = flag.Int("bench.span", 32, "dimensions that the vectors really span, as a learned embedding does; equal to bench.dim: random directions, hopeless for any graph")
)

// BenchmarkSearch measures one search of ten among 100,000 vectors of 192
// numbers: through Index, by the SDK alone, and how many of the true ten both
// find (recall@10).
func BenchmarkSearch(b *testing.B) {
	needServer(b)
	latency := map[string]float64{}
	index := connect(b, shared)
	key := search.Key{Collection: "bench", Fingerprint: "ab"}
	oracle := exact.New()
	queries := loadBench(b, index, oracle, key)
	b.Run("index", func(b *testing.B) {
		latency[b.Name()] = timed(b, queries, func(ctx context.Context, vector []float32) error {
			_, err := index.Search(ctx, key.Collection, search.Query{Vector: vector, Limit: 10})
			return err
		})
	})
	b.Run("sdk", func(b *testing.B) {
		breadth, err := entity.NewIndexHNSWSearchParam(index.hnsw.Ef)
		if err != nil {
			b.Fatal(err)
		}
		latency[b.Name()] = timed(b, queries, func(ctx context.Context, vector []float32) error {
			_, err := index.sdk.Search(ctx, aliasName(key.Collection), nil, "", nil, []entity.Vector{entity.FloatVector(vector)},
				vectorField, entity.IP, 10, breadth, client.WithSearchQueryConsistencyLevel(entity.ClBounded))
			return err
		})
	})
	b.Logf("through Index a search takes %.2f times the SDK's median", latency["BenchmarkSearch/index"]/latency["BenchmarkSearch/sdk"])
	share, err := searchtest.Recall(context.Background(), index, oracle, key.Collection, queries[:500], 10)
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("HNSW M %d, efConstruction %d, ef %d: recall@10 %.4f", index.hnsw.M, index.hnsw.EfConstruction, index.hnsw.Ef, share)
	if share < 0.98 {
		b.Errorf("recall@10 %.4f, want 0.98", share)
	}
}

// loadBench fills both indexes with the same vectors and returns queries near
// some of them. It waits until Milvus has built its graph.
func loadBench(b *testing.B, index *Index, oracle search.Index, key search.Key) [][]float32 {
	b.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	for _, target := range []search.Index{index, oracle} {
		if err := target.Ensure(ctx, key, *benchDim); err != nil {
			b.Fatal(err)
		}
	}
	random := rand.New(rand.NewPCG(7, 7))
	space := newSpace(random, *benchSpan, *benchDim)
	began := time.Now()
	for part := 0; part < *benchRows; part += 10_000 {
		rows := make([]search.Row, min(10_000, *benchRows-part))
		for i := range rows {
			rows[i] = search.Row{ID: fmt.Sprintf("row%07d", part+i), Vector: space.point(random), Metadata: map[string]any{"n": i % 10}}
		}
		for _, target := range []search.Index{index, oracle} {
			if err := target.Upsert(ctx, key, rows); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Logf("upsert of %d rows: %s", *benchRows, time.Since(began))
	if err := index.Flush(ctx); err != nil {
		b.Fatal(err)
	}
	if err := index.WaitIndexed(ctx, key); err != nil {
		b.Fatal(err)
	}
	b.Logf("indexed after %s", time.Since(began))
	time.Sleep(settled + 5*time.Second) // until searches are those of a quiet server
	queries := make([][]float32, 1000)
	for i := range queries {
		queries[i] = space.point(random)
	}
	return queries
}

// space makes unit vectors that vary in a few directions and a little in all.
type space struct {
	axes      [][]float64
	dimension int
}

func newSpace(random *rand.Rand, span, dimension int) space {
	axes := make([][]float64, span)
	for i := range axes {
		axes[i] = make([]float64, dimension)
		for j := range axes[i] {
			axes[i][j] = random.NormFloat64()
		}
	}
	return space{axes, dimension}
}

func (s space) point(random *rand.Rand) []float32 {
	sums := make([]float64, s.dimension)
	for _, axis := range s.axes {
		weight := random.NormFloat64()
		for i, x := range axis {
			sums[i] += weight * x
		}
	}
	norm := 0.0
	for i := range sums {
		sums[i] += 0.1 * random.NormFloat64() * math.Sqrt(float64(len(s.axes)))
		norm += sums[i] * sums[i]
	}
	vector := make([]float32, s.dimension)
	for i, x := range sums {
		vector[i] = float32(x / math.Sqrt(norm))
	}
	return vector
}

// timed runs ask b.N times, reports median and 99th percentile and returns the
// median in milliseconds.
func timed(b *testing.B, queries [][]float32, ask func(context.Context, []float32) error) float64 {
	b.Helper()
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		if err := ask(context.Background(), queries[len(took)%len(queries)]); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	median := took[len(took)/2].Seconds() * 1000
	b.ReportMetric(median, "median-ms")
	b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
	return median
}
