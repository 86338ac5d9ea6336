package search

import (
	"context"
	"fmt"
	"slices"
)

// Judgement is a query whose right answers are known.
type Judgement struct {
	Text   string   // the query
	Accept []string // IDs of the images that it describes
}

// evaluationBatch is the number of texts encoded at once.
const evaluationBatch = 64

// Ranks runs every judgement as a user's query over the collection, as deep as the
// index allows, and returns the rank of its best accepted image, from 1, or 0 when
// none was found.
func (s *Service) Ranks(ctx context.Context, collection string, judgements []Judgement) ([]int, error) {
	if _, _, err := s.usable(ctx, collection); err != nil {
		return nil, err
	}
	found, err := s.catalog.Collection(ctx, collection)
	if err != nil {
		return nil, err
	}
	depth := min(max(found.Images, 1), MaxLimit)
	ranks := make([]int, 0, len(judgements))
	for batch := range slices.Chunk(judgements, evaluationBatch) {
		vectors, err := s.encodeJudgements(ctx, batch)
		if err != nil {
			return nil, err
		}
		for i, judgement := range batch {
			matches, err := s.index.Search(ctx, found.ID, Query{Vector: vectors[i], Limit: depth})
			if err != nil {
				return nil, fmt.Errorf("search %q: %w", judgement.Text, err)
			}
			ranks = append(ranks, 1+slices.IndexFunc(matches, func(m Match) bool { return slices.Contains(judgement.Accept, m.ID) }))
		}
	}
	return ranks, nil
}

func (s *Service) encodeJudgements(ctx context.Context, judgements []Judgement) ([][]float32, error) {
	texts := make([]string, len(judgements))
	for i, judgement := range judgements {
		text, err := cleanText(judgement.Text)
		if err != nil {
			return nil, fmt.Errorf("judgement %q: %w", judgement.Text, err)
		}
		texts[i] = text
	}
	vectors, err := s.encoder.EncodeTexts(ctx, texts)
	if err != nil {
		return nil, fmt.Errorf("encode judgements: %w", err)
	}
	return vectors, nil
}
