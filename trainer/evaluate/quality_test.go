package evaluate

import (
	"math"
	"testing"
)

func TestNewQuality(t *testing.T) {
	tests := map[string]struct {
		ranks      []int
		candidates int
		want       Quality
	}{
		"none":            {nil, 10, Quality{}},
		"all first":       {[]int{1, 1}, 10, Quality{N: 2, R1: 1, R5: 1, R10: 1, MRR: 1, MedianRank: 1}},
		"borders":         {[]int{1, 5, 10, 11}, 20, Quality{N: 4, R1: 0.25, R5: 0.5, R10: 0.75, MRR: (1 + 0.2 + 0.1 + 1./11) / 4, MedianRank: 7.5}},
		"just beyond":     {[]int{2, 6, 11}, 20, Quality{N: 3, R5: 1. / 3, R10: 2. / 3, MRR: (1./2 + 1./6 + 1./11) / 3, MedianRank: 6}},
		"never found":     {[]int{0, 0, 2}, 100, Quality{N: 3, R5: 1. / 3, R10: 1. / 3, MRR: 0.5 / 3, MedianRank: 101}},
		"middle of three": {[]int{9, 2, 4}, 10, Quality{N: 3, R5: 2. / 3, R10: 1, MRR: (1./9 + 0.5 + 0.25) / 3, MedianRank: 4}},
	}
	for label, test := range tests {
		t.Run(label, func(t *testing.T) {
			test.want.Language, test.want.Direction = "en", TextToImage
			if got := NewQuality("en", TextToImage, test.ranks, test.candidates); !near(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestMean(t *testing.T) {
	got := Mean([]Quality{
		{Language: "a", Direction: ImageToText, N: 1, R1: 1, R5: 1, R10: 1, MRR: 1, MedianRank: 1},
		{Language: "b", Direction: ImageToText, N: 99, R1: 0, R5: 0.5, R10: 0.6, MRR: 0.2, MedianRank: 6},
	})
	want := Quality{Language: MeanLanguage, Direction: ImageToText, N: 100, R1: 0.5, R5: 0.75, R10: 0.8, MRR: 0.6, MedianRank: 3.5}
	if !near(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func near(a, b Quality) bool {
	same := func(x, y float64) bool { return math.Abs(x-y) < 1e-9 }
	return a.Language == b.Language && a.Direction == b.Direction && a.N == b.N &&
		same(a.R1, b.R1) && same(a.R5, b.R5) && same(a.R10, b.R10) && same(a.MRR, b.MRR) && same(a.MedianRank, b.MedianRank)
}
