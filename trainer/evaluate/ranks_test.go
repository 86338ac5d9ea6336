package evaluate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// at is a unit vector in the plane, at an angle in degrees.
func at(degrees float64) []float32 {
	sine, cosine := math.Sincos(degrees * math.Pi / 180)
	return []float32{float32(cosine), float32(sine)}
}

func angles(degrees ...float64) [][]float32 {
	vectors := make([][]float32, len(degrees))
	for i, d := range degrees {
		vectors[i] = at(d)
	}
	return vectors
}

func TestRanks(t *testing.T) {
	tests := map[string]struct {
		queries, candidates [][]float32
		relevant            [][]int
		want                []int
	}{
		"nearest first":            {angles(0), angles(10, 20, 30), [][]int{{0}}, []int{1}},
		"farthest last":            {angles(0), angles(10, 20, 30), [][]int{{2}}, []int{3}},
		"best of several":          {angles(0), angles(10, 20, 30, 40), [][]int{{1, 3}}, []int{2}},
		"other side of a circle":   {angles(180), angles(0, 90, 179), [][]int{{0}}, []int{3}},
		"each query its own":       {angles(0, 90), angles(10, 80, 40), [][]int{{2}, {0}}, []int{2, 3}},
		"tie with wrong ones":      {angles(0), angles(30, 30, 30, 60), [][]int{{1}}, []int{3}},
		"tie between right ones":   {angles(0), angles(30, 30, 30, 60), [][]int{{0, 1, 2}}, []int{1}},
		"tie of both kinds":        {angles(0), angles(30, 30, 30, 60), [][]int{{0, 2, 3}}, []int{2}},
		"all the same":             {angles(45), angles(45, 45, 45, 45, 45, 45), [][]int{{0}}, []int{6}},
		"all right":                {angles(45), angles(45, 45), [][]int{{0, 1}}, []int{1}},
		"one candidate":            {angles(0), angles(170), [][]int{{0}}, []int{1}},
		"a right one far behind":   {angles(0), angles(1, 2, 3, 4, 5, 6, 7, 8, 9), [][]int{{8}}, []int{9}},
		"right ones are no rivals": {angles(0), angles(1, 2, 3, 4, 5, 6), [][]int{{0, 1, 2, 3, 4, 5}}, []int{1}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Ranks(t.Context(), test.queries, test.candidates, test.relevant)
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("got %v, %v, want %v", got, err, test.want)
			}
		})
	}
}

func TestRanksRefuses(t *testing.T) {
	nan, infinite := float32(math.NaN()), float32(math.Inf(1))
	one := [][]int{{0}}
	tests := map[string]struct {
		queries, candidates [][]float32
		relevant            [][]int
		want                string
	}{
		"no queries":       {nil, angles(0), nil, "no vectors of queries"},
		"no candidates":    {angles(0), nil, one, "no vectors of candidates"},
		"NaN query":        {[][]float32{at(0), {nan, 0}}, angles(0), [][]int{{0}, {0}}, "vector 1 of the queries is not finite"},
		"NaN candidate":    {angles(0), [][]float32{at(0), at(1), {0, nan}}, one, "vector 2 of the candidates is not finite"},
		"infinite":         {angles(0), [][]float32{{infinite, 0}}, one, "vector 0 of the candidates is not finite"},
		"no direction":     {angles(0), [][]float32{{0, 0}}, one, "vector 0 of the candidates has length 0"},
		"not of length 1":  {[][]float32{{3, 4}}, angles(0), one, "vector 0 of the queries has length 5"},
		"ragged":           {[][]float32{at(0), {1}}, angles(0), one, "vector 1 of the queries has 1 numbers, the first has 2"},
		"of two models":    {[][]float32{{1}}, angles(0), one, "not of one model"},
		"lists missing":    {angles(0, 1), angles(0), one, "2 queries and 1 lists"},
		"no right answer":  {angles(0, 1), angles(0), [][]int{{0}, {}}, "query 1 has no right answer"},
		"beyond the end":   {angles(0), angles(0), [][]int{{1}}, "places below 1"},
		"below the start":  {angles(0), angles(0), [][]int{{-1}}, "ascending places"},
		"named twice":      {angles(0), angles(0, 1), [][]int{{1, 1}}, "1 after 1"},
		"not in ascending": {angles(0), angles(0, 1), [][]int{{1, 0}}, "0 after 1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if ranks, err := Ranks(t.Context(), test.queries, test.candidates, test.relevant); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, %v, want an error with %q", ranks, err, test.want)
			}
		})
	}
}

// grid are vectors of few distinct values, so that there are many exact ties.
func grid(random *rand.Rand, n, dimension int) [][]float32 {
	vectors := make([][]float32, n)
	for i := range vectors {
		vectors[i] = make([]float32, dimension)
		for used := 0; used < 4; { // four halves make a unit vector
			if k := random.IntN(dimension); vectors[i][k] == 0 {
				vectors[i][k] = 0.5 - float32(random.IntN(2))
				used++
			}
		}
	}
	return vectors
}

// naiveRank sorts all candidates, wrong ones first among equals.
func naiveRank(query []float32, candidates [][]float32, relevant []int) int {
	order := make([]int, len(candidates))
	score := make([]float64, len(candidates))
	for i, candidate := range candidates {
		order[i] = i
		for k, x := range query {
			score[i] += float64(x) * float64(candidate[k])
		}
	}
	right := func(i int) bool { return slices.Contains(relevant, i) }
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case score[a] != score[b]:
			if score[a] > score[b] {
				return -1
			}
			return 1
		case right(a) != right(b):
			if right(b) {
				return -1
			}
			return 1
		}
		return a - b
	})
	return 1 + slices.IndexFunc(order, right)
}

func TestRanksAsSorting(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range []struct{ queries, candidates int }{{1, 1}, {3, 2}, {63, 5}, {64, 64}, {65, 130}, {200, 333}} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			queries, candidates := grid(random, size.queries, 9), grid(random, size.candidates, 9)
			relevant, want := make([][]int, size.queries), make([]int, size.queries)
			for i := range relevant {
				relevant[i] = random.Perm(size.candidates)[:1+random.IntN(min(7, size.candidates))]
				slices.Sort(relevant[i])
				want[i] = naiveRank(queries[i], candidates, relevant[i])
			}
			got, err := Ranks(t.Context(), queries, candidates, relevant)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("got %v, %v, want %v", got, err, want)
			}
		})
	}
}

// TestEqualVectorsTie: scores must not depend on where a candidate stands.
func TestEqualVectorsTie(t *testing.T) {
	vectors := unit(7, 768, 1)
	for count := 1; count <= 9; count++ {
		candidates := slices.Repeat(vectors[:1], count)
		ranks, err := Ranks(t.Context(), vectors[1:], candidates, slices.Repeat([][]int{{count / 2}}, 6))
		if err != nil || slices.ContainsFunc(ranks, func(rank int) bool { return rank != count }) {
			t.Errorf("%d equal candidates: ranks %v, %v, want %d", count, ranks, err, count)
		}
	}
}

func TestRanksDoNotDependOnCores(t *testing.T) {
	queries, candidates := unit(300, 33, 1), unit(500, 33, 2)
	relevant := make([][]int, len(queries))
	for i := range relevant {
		relevant[i] = []int{i, i + 200}
	}
	var all [][]int
	for _, cores := range []int{1, 2, 7} {
		before := runtime.GOMAXPROCS(cores)
		ranks, err := Ranks(t.Context(), queries, candidates, relevant)
		runtime.GOMAXPROCS(before)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ranks)
	}
	if !slices.Equal(all[0], all[1]) || !slices.Equal(all[0], all[2]) {
		t.Error("ranks differ with the number of cores")
	}
}

func TestRanksEndWithTheirContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Ranks(ctx, angles(0), angles(0), [][]int{{0}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// unit are random unit vectors.
func unit(n, dimension int, seed uint64) [][]float32 {
	random := rand.New(rand.NewPCG(seed, 0))
	vectors := make([][]float32, n)
	for i := range vectors {
		sum := make([]float64, dimension)
		for k := range sum {
			sum[k] = random.NormFloat64()
		}
		vectors[i], _ = normalised(sum) // a normal vector has a length
	}
	return vectors
}

// BenchmarkRanks reports how many numbers are multiplied in a second, as twice
// as many operations.
func BenchmarkRanks(b *testing.B) {
	const n, dimension = 2000, 768
	queries, candidates := unit(n, dimension, 1), unit(n, dimension, 2)
	relevant := make([][]int, n)
	for i := range relevant {
		relevant[i] = []int{i}
	}
	for b.Loop() {
		if _, err := Ranks(b.Context(), queries, candidates, relevant); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(2*n*n*dimension*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}
