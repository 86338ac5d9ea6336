package evaluate

import "slices"

// Direction says what is ranked for what.
type Direction string

// Directions that are measured, see the package's comment.
const (
	TextToImage Direction = "text_to_image"
	ImageToText Direction = "image_to_text"
	ZeroShot    Direction = "zero_shot"
)

// MeanLanguage stands in Quality.Language for the mean over the languages.
const MeanLanguage = "mean"

// Quality says how well the queries of one language are answered.
type Quality struct {
	Language   string    `json:"language"`
	Direction  Direction `json:"direction"`
	N          int       `json:"n"`           // queries
	R1         float64   `json:"r1"`          // share of queries, 0 to 1, with a right answer at rank 1
	R5         float64   `json:"r5"`          // … among the first 5
	R10        float64   `json:"r10"`         // … among the first 10
	MRR        float64   `json:"mrr"`         // mean of 1/rank, 0 for a right answer that was not found
	MedianRank float64   `json:"median_rank"` // of the best right answer, from 1
}

// NewQuality summarizes ranks, which count from 1 among so many candidates. 0 means
// that the right answer was not found: it stands behind all candidates in the median.
func NewQuality(language string, direction Direction, ranks []int, candidates int) Quality {
	q := Quality{Language: language, Direction: direction, N: len(ranks)}
	if len(ranks) == 0 {
		return q
	}
	sorted := make([]int, len(ranks))
	for i, rank := range ranks {
		sorted[i] = rank
		if rank == 0 {
			sorted[i] = candidates + 1
			continue
		}
		q.MRR += 1 / float64(rank)
	}
	n := float64(len(ranks))
	q.R1, q.R5, q.R10, q.MRR = within(ranks, 1), within(ranks, 5), within(ranks, 10), q.MRR/n
	slices.Sort(sorted)
	q.MedianRank = float64(sorted[(len(sorted)-1)/2]+sorted[len(sorted)/2]) / 2
	return q
}

// within is the share of ranks from 1 to depth.
func within(ranks []int, depth int) float64 {
	hits := 0
	for _, rank := range ranks {
		if hit(rank, depth) {
			hits++
		}
	}
	return float64(hits) / float64(len(ranks))
}

func hit(rank, depth int) bool { return 1 <= rank && rank <= depth }

// Mean weighs every language alike, however many queries it has; N is their
// sum. There is at least one, and all have the same direction.
func Mean(of []Quality) Quality {
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
