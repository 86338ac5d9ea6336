package searchtest

import (
	"context"
	"slices"

	"polylens/indexer/catalog"
	"polylens/search"
)

// Recall is the share of the true k nearest rows that index finds, averaged
// over queries: recall@k, 0 to 1. oracle holds the same rows and is exact.
func Recall(ctx context.Context, index, oracle search.Index, collection catalog.CollectionID, queries [][]float32, k int) (float64, error) {
	found, all := 0, 0
	for _, vector := range queries {
		query := search.Query{Vector: vector, Limit: k}
		want, err := oracle.Search(ctx, collection, query)
		if err != nil {
			return 0, err
		}
		got, err := index.Search(ctx, collection, query)
		if err != nil {
			return 0, err
		}
		all += len(want)
		for _, match := range want {
			if slices.Contains(idsOf(got), match.ID) {
				found++
			}
		}
	}
	return float64(found) / float64(max(1, all)), nil
}
