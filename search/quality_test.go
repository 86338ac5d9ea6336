package search

import "testing"

func TestNewQuality(t *testing.T) {
	tests := map[string]struct {
		ranks []int
		depth int
		want  Quality
	}{
		"none":            {nil, 10, Quality{}},
		"all first":       {[]int{1, 1}, 10, Quality{N: 2, R1: 1, R5: 1, R10: 1, MRR: 1, MedianRank: 1}},
		"borders":         {[]int{1, 5, 10, 11}, 20, Quality{N: 4, R1: 0.25, R5: 0.5, R10: 0.75, MRR: (1 + 0.2 + 0.1 + 1./11) / 4, MedianRank: 7.5}},
		"never found":     {[]int{0, 0, 2}, 100, Quality{N: 3, R5: 1. / 3, R10: 1. / 3, MRR: 0.5 / 3, MedianRank: 101}},
		"middle of three": {[]int{9, 2, 4}, 10, Quality{N: 3, R5: 2. / 3, R10: 1, MRR: (1./9 + 0.5 + 0.25) / 3, MedianRank: 4}},
	}
	for label, test := range tests {
		t.Run(label, func(t *testing.T) {
			test.want.Language, test.want.Direction = "en", TextToImage
			got := newQuality("en", TextToImage, test.ranks, test.depth)
			if got.MRR-test.want.MRR > 1e-12 || test.want.MRR-got.MRR > 1e-12 {
				t.Errorf("MRR is %v, want %v", got.MRR, test.want.MRR)
			}
			got.MRR = test.want.MRR
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}
