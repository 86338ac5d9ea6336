package search

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// Judgement is a query whose right answers are known.
type Judgement struct {
	Language string   // BCP 47 tag
	Text     string   // the query
	Accept   []string // IDs of the images that it describes
}

// Directions of retrieval that Evaluate scores.
const (
	TextToImage = "text-to-image"
	ImageToText = "image-to-text"
)

// MeanLanguage stands in Quality.Language for the mean over the languages.
const MeanLanguage = "mean"

// Quality says how well queries of one language retrieve.
type Quality struct {
	Language   string  `json:"language"`
	Direction  string  `json:"direction"`
	N          int     `json:"n"`           // queries scored
	R1         float64 `json:"r1"`          // share of queries with a right answer at rank 1
	R5         float64 `json:"r5"`          // … among the first 5
	R10        float64 `json:"r10"`         // … among the first 10
	MRR        float64 `json:"mrr"`         // mean of 1/rank, 0 for a right answer that was not found
	MedianRank float64 `json:"median_rank"` // of the best right answer, from 1
}

// evaluationBatch is the number of texts encoded at once.
const evaluationBatch = 64

// Evaluate runs every judgement as a user's query over the collection, ranked
// to the whole depth that the index allows, and the other way round ranks the
// texts of each language for every image that one of them describes. It answers one
// Quality for each language and direction, by language, then the mean over the
// languages of each direction.
func (s *Service) Evaluate(ctx context.Context, collection string, judgements []Judgement) ([]Quality, error) {
	found, encoder, err := s.usable(ctx, collection)
	if err != nil {
		return nil, err
	}
	if len(judgements) == 0 {
		return nil, invalid("judgements", "there are none")
	}
	depth := min(max(found.Images, 1), MaxLimit)
	images := newVectorCache(s.catalog, collection, encoder.Fingerprint())
	var forward, backward []Quality
	for _, group := range byLanguage(judgements) {
		vectors, err := s.encodeJudgements(ctx, group)
		if err != nil {
			return nil, err
		}
		ranks, err := s.textRanks(ctx, collection, group, vectors, depth)
		if err != nil {
			return nil, err
		}
		forward = append(forward, newQuality(group[0].Language, TextToImage, ranks, depth))
		ranks, err = imageRanks(ctx, images, group, vectors)
		if err != nil {
			return nil, err
		}
		backward = append(backward, newQuality(group[0].Language, ImageToText, ranks, len(group)))
	}
	all := append(forward, backward...)
	slices.SortStableFunc(all, func(a, b Quality) int { return cmp.Compare(a.Language, b.Language) })
	return append(all, meanQuality(forward), meanQuality(backward)), nil
}

func (s *Service) encodeJudgements(ctx context.Context, group []Judgement) ([][]float32, error) {
	vectors := make([][]float32, 0, len(group))
	for batch := range slices.Chunk(group, evaluationBatch) {
		texts := make([]string, len(batch))
		for i, judgement := range batch {
			text, err := cleanText(judgement.Text)
			if err != nil {
				return nil, fmt.Errorf("judgement %q (%s): %w", judgement.Text, judgement.Language, err)
			}
			texts[i] = text
		}
		encoded, err := s.encoder.EncodeTexts(ctx, texts)
		if err != nil {
			return nil, fmt.Errorf("encode judgements: %w", err)
		}
		vectors = append(vectors, encoded...)
	}
	return vectors, nil
}

// textRanks answers for each judgement the rank of its best accepted image,
// from 1, or 0 when none is within depth.
func (s *Service) textRanks(ctx context.Context, collection string, group []Judgement, vectors [][]float32, depth int) ([]int, error) {
	ranks := make([]int, len(group))
	for i, judgement := range group {
		matches, err := s.index.Search(ctx, collection, Query{Vector: vectors[i], Limit: depth})
		if err != nil {
			return nil, fmt.Errorf("search %q (%s): %w", judgement.Text, judgement.Language, err)
		}
		ranks[i] = 1 + slices.IndexFunc(matches, func(m Match) bool { return slices.Contains(judgement.Accept, m.ID) })
	}
	return ranks, nil
}

// imageRanks answers for each image that a judgement accepts the rank of its
// best text among all texts of the group. A tie counts against it.
func imageRanks(ctx context.Context, images *vectorCache, group []Judgement, vectors [][]float32) ([]int, error) {
	texts := make(map[string][]int) // image -> texts that describe it
	var order []string
	for i, judgement := range group {
		for _, id := range judgement.Accept {
			if _, seen := texts[id]; !seen {
				order = append(order, id)
			}
			texts[id] = append(texts[id], i)
		}
	}
	ranks := make([]int, len(order))
	for i, id := range order {
		vector, err := images.get(ctx, id)
		if err != nil {
			return nil, err
		}
		ranks[i] = rankAmong(vector, vectors, texts[id])
	}
	return ranks, nil
}

// rankAmong is the rank, from 1, of the best of accepted when the candidates
// are ordered by inner product with query.
func rankAmong(query []float32, candidates [][]float32, accepted []int) int {
	best := float32(-2) // below every inner product of unit vectors
	for _, i := range accepted {
		best = max(best, dot(query, candidates[i]))
	}
	rank := 1
	for i, candidate := range candidates {
		if !slices.Contains(accepted, i) && dot(query, candidate) >= best {
			rank++
		}
	}
	return rank
}

// vectorCache reads each image's vector once for all languages.
type vectorCache struct {
	catalog                 Catalog
	collection, fingerprint string
	vectors                 map[string][]float32
}

func newVectorCache(catalog Catalog, collection, fingerprint string) *vectorCache {
	return &vectorCache{catalog, collection, fingerprint, make(map[string][]float32)}
}

func (c *vectorCache) get(ctx context.Context, id string) ([]float32, error) {
	if vector, ok := c.vectors[id]; ok {
		return vector, nil
	}
	vector, err := c.catalog.Vector(ctx, c.collection, id, c.fingerprint)
	if err != nil {
		return nil, fmt.Errorf("vector of image %q: %w", id, err)
	}
	c.vectors[id] = vector
	return vector, nil
}
