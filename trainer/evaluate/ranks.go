package evaluate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
)

// queryBlock is how many queries pass over the candidates together: 64 of 768
// numbers stay in a core's second cache.
const queryBlock = 64

// Ranks returns for each query the rank, from 1, of its best right answer among the
// candidates, ordered by inner product. queries [n][D] and candidates [m][D] are unit
// vectors; relevant[i] are the places of the right answers to query i in candidates,
// ascending and at least one; lists may be shared. A wrong candidate that scores as
// much as the best right one stands before it.
//
// No more than a block of scores is in memory, and all cores are used; the
// answer does not depend on them.
func Ranks(ctx context.Context, queries, candidates [][]float32, relevant [][]int) ([]int, error) {
	if err := checkRanking(queries, candidates, relevant); err != nil {
		return nil, err
	}
	ranks := make([]int, len(queries))
	err := eachBlock(ctx, len(queries), func(from, to int) {
		rankBlock(queries[from:to], candidates, relevant[from:to], ranks[from:to])
	})
	return ranks, err
}

func checkRanking(queries, candidates [][]float32, relevant [][]int) error {
	if err := checkPair(queries, candidates); err != nil {
		return err
	}
	if len(relevant) != len(queries) {
		return fmt.Errorf("%d queries and %d lists of right answers", len(queries), len(relevant))
	}
	for i, places := range relevant {
		if len(places) == 0 {
			return fmt.Errorf("query %d has no right answer: leave it out", i)
		}
		previous := -1
		for _, place := range places {
			if place <= previous || place >= len(candidates) {
				return fmt.Errorf("right answers to query %d: %d after %d, want ascending places below %d", i, place, previous, len(candidates))
			}
			previous = place
		}
	}
	return nil
}

func checkPair(queries, candidates [][]float32) error {
	if err := CheckVectors("queries", queries); err != nil {
		return err
	}
	if err := CheckVectors("candidates", candidates); err != nil {
		return err
	}
	if len(queries[0]) != len(candidates[0]) {
		return fmt.Errorf("queries have %d numbers, candidates %d: they are not of one model", len(queries[0]), len(candidates[0]))
	}
	return nil
}

// eachBlock calls work for all of n queries, a block at a time, on all cores.
func eachBlock(ctx context.Context, n int, work func(from, to int)) error {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for from := 0; from < n && ctx.Err() == nil; from += queryBlock {
		group.Go(func() error {
			work(from, min(from+queryBlock, n))
			return nil
		})
	}
	return errors.Join(group.Wait(), ctx.Err())
}

func rankBlock(queries, candidates [][]float32, relevant [][]int, ranks []int) {
	best := make([]float32, len(queries))
	for i, query := range queries {
		var equal int
		best[i], equal = bestOf(query, candidates, relevant[i])
		ranks[i] = 1 - equal // they are counted below
	}
	for some := range slices.Chunk(candidates, width) {
		for i, query := range queries {
			found := scores(query, some)
			for _, score := range found[:len(some)] {
				if score >= best[i] {
					ranks[i]++
				}
			}
		}
	}
}

// bestOf is the highest score among the candidates at places, and how many of
// these have it.
func bestOf(query []float32, candidates [][]float32, places []int) (best float32, equal int) {
	best = float32(math.Inf(-1))
	rows := make([][]float32, 0, width)
	for some := range slices.Chunk(places, width) {
		rows = rows[:0]
		for _, place := range some {
			rows = append(rows, candidates[place])
		}
		found := scores(query, rows)
		for _, score := range found[:len(some)] {
			switch {
			case score > best:
				best, equal = score, 1
			case score == best:
				equal++
			}
		}
	}
	return best, equal
}
