package evaluate

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
)

// Grade says how good an answer a candidate is: 0 is wrong, more is better.
type Grade struct {
	Place int // of the candidate
	Value float64
}

// NDCG returns for each query the normalized discounted cumulative gain of the first
// depth candidates, 0 to 1: the sum of grade/log2(rank+1), divided by what the best
// order would have (Järvelin and Kekäläinen 2002, with the grade itself as the gain,
// as trec_eval has it). grades[i] are the candidates that are not wrong for query i,
// in ascending order of place, at least one, all above 0. Among candidates that score
// the same, the worse comes first.
func NDCG(ctx context.Context, queries, candidates [][]float32, grades [][]Grade, depth int) ([]float64, error) {
	if depth < 1 {
		return nil, fmt.Errorf("NDCG of the first %d: want at least 1", depth)
	}
	if err := checkGrades(queries, candidates, grades); err != nil {
		return nil, err
	}
	gains := make([]float64, len(queries))
	err := eachBlock(ctx, len(queries), func(from, to int) {
		ranked := make([]scored, len(candidates)) // of one query at a time
		for i := from; i < to; i++ {
			gains[i] = ndcg(queries[i], candidates, grades[i], depth, ranked)
		}
	})
	return gains, err
}

func checkGrades(queries, candidates [][]float32, grades [][]Grade) error {
	relevant := make([][]int, len(grades))
	for i, own := range grades {
		for _, grade := range own {
			if !(grade.Value > 0) || math.IsInf(grade.Value, 0) {
				return fmt.Errorf("query %d: grade %v of candidate %d, want a finite number above 0", i, grade.Value, grade.Place)
			}
			relevant[i] = append(relevant[i], grade.Place)
		}
	}
	return checkRanking(queries, candidates, relevant)
}

// scored is a candidate as NDCG orders it.
type scored struct {
	score float32
	grade float64
}

func ndcg(query []float32, candidates [][]float32, grades []Grade, depth int, ranked []scored) float64 {
	for from := 0; from < len(candidates); from += width {
		to := min(from+width, len(candidates))
		found := scores(query, candidates[from:to])
		for i, score := range found[:to-from] {
			ranked[from+i] = scored{score: score}
		}
	}
	best := make([]float64, len(grades))
	for i, grade := range grades {
		ranked[grade.Place].grade = grade.Value
		best[i] = grade.Value
	}
	slices.SortFunc(ranked, func(a, b scored) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.grade, b.grade))
	})
	slices.SortFunc(best, func(a, b float64) int { return cmp.Compare(b, a) })
	first := make([]float64, min(depth, len(ranked)))
	for i := range first {
		first[i] = ranked[i].grade
	}
	return gain(first) / gain(best[:min(depth, len(best))])
}

// gain is the discounted cumulative gain of grades in the order of ranks.
func gain(grades []float64) float64 {
	var sum float64
	for i, grade := range grades {
		sum += grade / math.Log2(float64(i)+2)
	}
	return sum
}
