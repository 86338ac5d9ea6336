package evaluate

import (
	"errors"
	"math/rand/v2"
	"slices"
)

// Interval is a confidence interval of 95 %.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Difference is what changed for one language in one direction, new less old:
// more is better, but for the median rank.
type Difference struct {
	Language   string    `json:"language"`
	Direction  Direction `json:"direction"`
	N          int       `json:"n"` // queries now
	R1         float64   `json:"r1"`
	R5         float64   `json:"r5"`
	R10        float64   `json:"r10"`
	MRR        float64   `json:"mrr"`
	MedianRank float64   `json:"median_rank"`
	// Of R1 and R5, where both reports have the ranks of the same queries.
	R1Interval *Interval `json:"r1_interval,omitempty"`
	R5Interval *Interval `json:"r5_interval,omitempty"`
}

// Compare returns a Difference for each language and direction that both reports
// have, in the order of after, and then the mean over these languages of each
// direction.
//
// Intervals are from a paired bootstrap over the queries: what counts is that one
// model is worse at the same query, not how hard the query is. They say how far
// another set of such queries might differ, language by language. The mean has none,
// since the languages ask for the same pictures.
func Compare(before, after Report) ([]Difference, error) {
	var old, now Report
	for _, result := range after {
		if previous, ok := before.Find(result.Language, result.Direction); ok {
			old, now = append(old, previous), append(now, result)
		}
	}
	if len(now) == 0 {
		return nil, errors.New("compare reports: they have no language and direction in common")
	}
	oldAll, nowAll := old.Summary(), now.Summary()
	differences := make([]Difference, len(nowAll))
	for i := range nowAll {
		differences[i] = difference(oldAll[i], nowAll[i])
		if i < len(now) && sameQueries(old[i], now[i]) {
			differences[i].R1Interval = bootstrap(old[i].Ranks, now[i].Ranks, 1)
			differences[i].R5Interval = bootstrap(old[i].Ranks, now[i].Ranks, 5)
		}
	}
	return differences, nil
}

func difference(before, after Quality) Difference {
	return Difference{
		Language: after.Language, Direction: after.Direction, N: after.N,
		R1: after.R1 - before.R1, R5: after.R5 - before.R5, R10: after.R10 - before.R10,
		MRR: after.MRR - before.MRR, MedianRank: after.MedianRank - before.MedianRank,
	}
}

// resamples of a bootstrap: the ends of the interval are each the mean of about
// 50 of them away from the edge.
const resamples = 2000

// bootstrap is the interval of how much the share of queries with a right answer
// among the first depth has grown. A query has been won, lost, or neither, so
// that drawing queries is drawing from these three. Equal ranks give equal
// intervals: the seed is fixed.
func bootstrap(before, after []int, depth int) *Interval {
	won, lost := 0, 0
	for i := range before {
		switch was, is := hit(before[i], depth), hit(after[i], depth); {
		case is && !was:
			won++
		case was && !is:
			lost++
		}
	}
	if won+lost == 0 {
		return &Interval{}
	}
	random := rand.New(rand.NewPCG(uint64(won), uint64(lost)))
	means := make([]float64, resamples)
	for i := range means {
		means[i] = float64(resample(random, len(before), won, lost)) / float64(len(before))
	}
	slices.Sort(means)
	return &Interval{Low: means[resamples/40], High: means[resamples-1-resamples/40]}
}

// resample draws n of n queries with replacement and returns how many more are won
// than lost.
func resample(random *rand.Rand, n, won, lost int) int {
	gained := 0
	for range n {
		switch drawn := random.IntN(n); {
		case drawn < won:
			gained++
		case drawn < won+lost:
			gained--
		}
	}
	return gained
}
