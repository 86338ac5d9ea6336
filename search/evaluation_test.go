package search_test

import (
	"errors"
	"math"
	"testing"

	"polylens/search"
)

func TestEvaluate(t *testing.T) {
	service, _, _ := ring(t, 20)
	letters := func(n int) string { return "abcdefghijklmnopqrstuvwxyz"[:n] }
	judgements := []search.Judgement{
		{Language: "xx", Text: letters(5), Accept: []string{"05"}},   // rank 1
		{Language: "xx", Text: letters(8), Accept: []string{"09"}},   // 08 07 09: the tie goes by ID, rank 3
		{Language: "xx", Text: letters(1), Accept: []string{"11"}},   // rank 11
		{Language: "xx", Text: letters(2), Accept: []string{"gone"}}, // never
	}
	// The image that no longer exists has no vector to rank texts by.
	if _, err := service.Evaluate(t.Context(), "ring", judgements); !errors.Is(err, search.ErrImageNotFound) {
		t.Fatalf("got %v, want the missing image named", err)
	}
	judgements = append(judgements[:3], search.Judgement{Language: "aa", Text: letters(3), Accept: []string{"07", "03"}})
	quality, err := service.Evaluate(t.Context(), "ring", judgements)
	if err != nil {
		t.Fatal(err)
	}
	want := []search.Quality{
		{Language: "aa", Direction: search.TextToImage, N: 1, R1: 1, R5: 1, R10: 1, MRR: 1, MedianRank: 1},
		{Language: "aa", Direction: search.ImageToText, N: 2, R1: 1, R5: 1, R10: 1, MRR: 1, MedianRank: 1},
		{Language: "xx", Direction: search.TextToImage, N: 3, R1: 1. / 3, R5: 2. / 3, R10: 2. / 3, MRR: (1 + 1./3 + 1./11) / 3, MedianRank: 3},
		// 05: its own text; 09: 8 letters; 11: after 8 and 5 letters comes 1.
		{Language: "xx", Direction: search.ImageToText, N: 3, R1: 2. / 3, R5: 1, R10: 1, MRR: (2 + 1./3) / 3, MedianRank: 1},
		{Language: search.MeanLanguage, Direction: search.TextToImage, N: 4, R1: 2. / 3, R5: 5. / 6, R10: 5. / 6,
			MRR: ((1+1./3+1./11)/3 + 1) / 2, MedianRank: 2},
		{Language: search.MeanLanguage, Direction: search.ImageToText, N: 5, R1: 5. / 6, R5: 1, R10: 1,
			MRR: ((2+1./3)/3 + 1) / 2, MedianRank: 1},
	}
	if len(quality) != len(want) {
		t.Fatalf("got %d rows, want %d: %+v", len(quality), len(want), quality)
	}
	for i, q := range quality {
		if !near(q, want[i]) {
			t.Errorf("row %d is\n%+v, want\n%+v", i, q, want[i])
		}
	}
}

func near(a, b search.Quality) bool {
	same := func(x, y float64) bool { return math.Abs(x-y) < 1e-9 }
	return a.Language == b.Language && a.Direction == b.Direction && a.N == b.N &&
		same(a.R1, b.R1) && same(a.R5, b.R5) && same(a.R10, b.R10) && same(a.MRR, b.MRR) && same(a.MedianRank, b.MedianRank)
}

func TestEvaluateRefuses(t *testing.T) {
	service, catalog, _ := ring(t, 5)
	var invalid *search.InvalidError
	if _, err := service.Evaluate(t.Context(), "ring", nil); !errors.As(err, &invalid) {
		t.Errorf("no judgements: %v", err)
	}
	blank := []search.Judgement{{Language: "en", Text: " ", Accept: []string{"01"}}}
	if _, err := service.Evaluate(t.Context(), "ring", blank); !errors.As(err, &invalid) {
		t.Errorf("empty text: %v", err)
	}
	catalog.fingerprint = other
	var mismatch *search.ModelMismatchError
	if _, err := service.Evaluate(t.Context(), "ring", blank); !errors.As(err, &mismatch) {
		t.Errorf("other model: %v", err)
	}
}
