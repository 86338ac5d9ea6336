package trainer

import (
	"slices"
	"strconv"
	"testing"

	"polylens/trainer/data"
	"polylens/trainer/data/batch"
)

// TestTargetsOfParts compares the targets of parts with those of one batch that
// holds them all.
func TestTargetsOfParts(t *testing.T) {
	set := &data.Set{Pictures: make([]data.Picture, 4)}
	for i := range 8 {
		set.Pairs = append(set.Pairs, data.Pair{Picture: i / 2, Text: strconv.Itoa(i), Relevance: float32(i+1) / 8})
	}
	whole := batch.Batch{Pictures: []int{0, 1, 2, 3}, Items: []int{5, 6, 5, 7}, Pairs: []int{0, 1, 2, 3, 4, 5, 6, 7}}
	parts := []batch.Loaded{
		{Batch: batch.Batch{Pictures: []int{0, 1}, Items: []int{5, 6}, Pairs: []int{0, 1, 2, 3}}},
		{Batch: batch.Batch{Pictures: []int{2, 3}, Items: []int{5, 7}, Pairs: []int{4, 5, 6, 7}}},
	}
	r := &run{related: batch.NewRelated(set, whole.Items)}
	want, targets := transposed(whole.Relevance(r.related), 4, 8), r.targets(parts)
	for text := range 8 {
		row := make([]float32, 4)
		if targets(text, row); !slices.Equal(row, want[4*text:4*text+4]) {
			t.Errorf("text %d describes %v, want %v", text, row, want[4*text:4*text+4])
		}
	}
	if row := make([]float32, 4); true {
		if targets(0, row); row[2] == 0 {
			t.Error("a picture of the same item in another part is none of the text's")
		}
	}
}
