package search

import (
	"cmp"
	"slices"
)

// newQuality summarises ranks, which count from 1; 0 means not found among
// the first depth and stands as depth+1 in the median.
func newQuality(language, direction string, ranks []int, depth int) Quality {
	q := Quality{Language: language, Direction: direction, N: len(ranks)}
	if len(ranks) == 0 {
		return q
	}
	sorted := make([]int, len(ranks))
	for i, rank := range ranks {
		sorted[i] = rank
		if rank == 0 {
			sorted[i] = depth + 1
			continue
		}
		q.MRR += 1 / float64(rank)
		q.R1 += one01(rank <= 1)
		q.R5 += one01(rank <= 5)
		q.R10 += one01(rank <= 10)
	}
	n := float64(len(ranks))
	q.R1, q.R5, q.R10, q.MRR = q.R1/n, q.R5/n, q.R10/n, q.MRR/n
	slices.Sort(sorted)
	q.MedianRank = float64(sorted[(len(sorted)-1)/2]+sorted[len(sorted)/2]) / 2
	return q
}

// meanQuality weighs every language alike, however many queries it has.
func meanQuality(of []Quality) Quality {
	mean := Quality{Language: MeanLanguage, Direction: of[0].Direction}
	for _, q := range of {
		mean.N += q.N
		mean.R1 += q.R1
		mean.R5 += q.R5
		mean.R10 += q.R10
		mean.MRR += q.MRR
		mean.MedianRank += q.MedianRank
	}
	n := float64(len(of))
	mean.R1, mean.R5, mean.R10, mean.MRR = mean.R1/n, mean.R5/n, mean.R10/n, mean.MRR/n
	mean.MedianRank /= n
	return mean
}

// byLanguage groups judgements by language, languages in alphabetical order.
func byLanguage(judgements []Judgement) [][]Judgement {
	groups := make(map[string][]Judgement)
	for _, judgement := range judgements {
		groups[judgement.Language] = append(groups[judgement.Language], judgement)
	}
	sorted := make([][]Judgement, 0, len(groups))
	for _, group := range groups {
		sorted = append(sorted, group)
	}
	slices.SortFunc(sorted, func(a, b []Judgement) int { return cmp.Compare(a[0].Language, b[0].Language) })
	return sorted
}

func one01(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

func dot(a, b []float32) float32 {
	var sum float32
	for i, x := range a {
		sum += x * b[i]
	}
	return sum
}
