package search_test

import (
	"context"
	"fmt"
	"testing"

	"polylens/indexer/catalog"
	"polylens/search"
)

// counted notes how many images are asked for at once, and gives them metadata.
type counted struct {
	search.Catalog
	most *int
}

func (c counted) Images(ctx context.Context, collection catalog.CollectionID, ids []string) (map[string]catalog.Image, error) {
	*c.most = max(*c.most, len(ids))
	images, err := c.Catalog.Images(ctx, collection, ids)
	for id, image := range images {
		image.ID, image.URI, image.Metadata = id, "file:///"+id, map[string]any{"large": true}
		images[id] = image
	}
	return images, err
}

// TestCopiesAreLight: a page of a thousand contents with twenty copies each does not
// hold the metadata of them all.
func TestCopiesAreLight(t *testing.T) {
	points := make(map[string]int)
	for i := range 30 * (1 + search.MaxCopies) {
		points[fmt.Sprintf("%03d%c", i, 'A'+i%30)] = 5
	}
	most := 0
	service := twinsIn(t, points, func(c search.Catalog) search.Catalog { return counted{c, &most} })
	results, err := service.ByText(t.Context(), "ring", "abcde", search.Options{Limit: 30, Group: search.GroupContent})
	if err != nil || len(results.Hits) != 30 {
		t.Fatalf("%d hits, %v", len(results.Hits), err)
	}
	if most > 500 {
		t.Errorf("%d images are read at once", most)
	}
	for _, hit := range results.Hits {
		if hit.Metadata == nil || len(hit.Copies) != search.MaxCopies {
			t.Errorf("%s: %v, %d copies", hit.ID, hit.Metadata, len(hit.Copies))
		}
		for _, copy := range hit.Copies {
			if copy.Metadata != nil || copy.URI != "file:///"+copy.ID {
				t.Errorf("%s: copy %+v", hit.ID, copy)
			}
		}
	}
}
