package search_test

import (
	"errors"
	"slices"
	"testing"

	"polylens/search"
)

func TestRanks(t *testing.T) {
	service, _, _ := ring(t, 20)
	letters := func(n int) string { return "abcdefghijklmnopqrstuvwxyz"[:n] }
	judgements := []search.Judgement{
		{Text: letters(5), Accept: []string{"05"}},       // rank 1
		{Text: letters(8), Accept: []string{"09"}},       // 08 07 09: the tie goes by ID, rank 3
		{Text: letters(1), Accept: []string{"11"}},       // rank 11
		{Text: letters(3), Accept: []string{"07", "03"}}, // the best of both
		{Text: letters(2), Accept: []string{"gone"}},     // never
	}
	want := []int{1, 3, 11, 1, 0}
	ranks, err := service.Ranks(t.Context(), "ring", judgements)
	if err != nil || !slices.Equal(ranks, want) {
		t.Errorf("ranks %v, %v, want %v", ranks, err, want)
	}
	many := slices.Repeat(judgements, 30) // more than are encoded at once
	ranks, err = service.Ranks(t.Context(), "ring", many)
	if err != nil || !slices.Equal(ranks, slices.Repeat(want, 30)) {
		t.Errorf("ranks %v, %v, want 30 times %v", ranks, err, want)
	}
}

func TestRanksRefuses(t *testing.T) {
	service, shelf, _ := ring(t, 5)
	blank := []search.Judgement{{Text: " ", Accept: []string{"01"}}}
	var invalid *search.InvalidError
	if _, err := service.Ranks(t.Context(), "ring", blank); !errors.As(err, &invalid) {
		t.Errorf("empty text: %v", err)
	}
	shelf.fingerprint = other
	var mismatch *search.ModelMismatchError
	if _, err := service.Ranks(t.Context(), "ring", blank); !errors.As(err, &mismatch) {
		t.Errorf("other model: %v", err)
	}
}
