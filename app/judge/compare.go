package judge

import (
	"cmp"
	"context"
	"slices"

	"polylens/trainer/evaluate"
)

// For the hits that two models share: for how many pictures similar ones are
// searched, and how many hits of each are compared.
const (
	askedPictures = 100
	comparedHits  = 10
)

// Side is one model with its vectors of the pictures.
type Side struct {
	Model   evaluate.TextEncoder
	Vectors [][]float32 // the unit vector of each picture
}

// Comparison is what two models find among the same pictures.
type Comparison struct {
	Before, After evaluate.Report
	SameHits      float64 // share, 0 to 1, of the most similar pictures that both models find
}

// Compare searches with two models for the texts of a set, and for pictures similar
// to its own. contents identifies the pictures of the set: those with equal contents
// are the same picture.
func Compare(ctx context.Context, set *evaluate.Set, contents []string, before, after Side) (Comparison, error) {
	var found Comparison
	var err error
	if found.Before, err = set.Evaluate(ctx, before.Model, before.Vectors, nil); err != nil {
		return found, err
	}
	if found.After, err = set.Evaluate(ctx, after.Model, after.Vectors, nil); err != nil {
		return found, err
	}
	found.SameHits = overlap(neighbours(contents, before.Vectors), neighbours(contents, after.Vectors))
	return found, nil
}

// Forgetting is the verdict on what the model after has lost, with the same
// allowance as for training.
func (c Comparison) Forgetting() (evaluate.Forgetting, error) {
	return evaluate.CheckForgetting(c.Before, c.After, evaluate.Allowance{Points: evaluate.DefaultAllowed})
}

// neighbours are the contents most similar to each of the first pictures, best first.
func neighbours(contents []string, vectors [][]float32) [][]string {
	var all [][]string
	for _, query := range vectors[:min(len(vectors), askedPictures)] {
		order := make([]int, len(vectors))
		scores := make([]float32, len(vectors))
		for i, vector := range vectors {
			order[i] = i
			scores[i] = dot(vector, query)
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
		var hits []string
		for _, i := range order[:min(len(order), comparedHits)] {
			hits = append(hits, contents[i])
		}
		all = append(all, hits)
	}
	return all
}

func dot(a, b []float32) float32 {
	var sum float32
	for d := range a {
		sum += a[d] * b[d]
	}
	return sum
}

// overlap is the share of hits that two lists of hits have in common.
func overlap(a, b [][]string) float64 {
	same, all := 0, 0
	for i := range a {
		for _, hit := range a[i] {
			all++
			if slices.Contains(b[i], hit) {
				same++
			}
		}
	}
	return float64(same) / float64(max(1, all))
}

// MeanRecall is R@5 of text_to_image, as a mean over languages.
func MeanRecall(report evaluate.Report) float64 {
	for _, quality := range report.Summary() {
		if quality.Language == evaluate.MeanLanguage && quality.Direction == evaluate.TextToImage {
			return quality.R5
		}
	}
	return 0
}
