package evaluate

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	before := Report{ranked("de", TextToImage, 1, 2, 6, 50), ranked("fr", TextToImage, 1), ranked("en", TextToImage, 3, 3)}
	after := Report{ranked("en", TextToImage, 3, 3), ranked("de", TextToImage, 1, 1, 6, 3), ranked("ja", TextToImage, 1)}
	got, err := Compare(before, after)
	if err != nil || len(got) != 3 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if en := got[0]; en.Language != "en" || en.R5 != 0 || en.MRR != 0 || *en.R5Interval != (Interval{}) {
		t.Errorf("equal ranks differ: %+v", en)
	}
	if de := got[1]; de.Language != "de" || de.R1 != 0.25 || de.R5 != 0.25 || de.R10 != 0.25 || de.MedianRank != 2-4 {
		t.Errorf("got %+v", de)
	}
	if mean := got[2]; mean.Language != MeanLanguage || mean.R1 != 0.125 || mean.N != 6 || mean.R1Interval != nil {
		t.Errorf("got %+v", mean)
	}
	if _, err := Compare(before, Report{ranked("ja", TextToImage, 1)}); err == nil || !strings.Contains(err.Error(), "in common") {
		t.Errorf("got %v", err)
	}
}

func TestCompareOtherQueries(t *testing.T) {
	before, after := ranked("de", TextToImage, 1, 2), ranked("de", TextToImage, 1, 2)
	bare := before
	bare.Ranks = nil
	other := before
	other.Queries = "others"
	for name, old := range map[string]Result{"no ranks": bare, "other queries": other, "fewer": ranked("de", TextToImage, 1)} {
		got, err := Compare(Report{old}, Report{after})
		if err != nil || got[0].R1Interval != nil || got[0].R5Interval != nil {
			t.Errorf("%s: got %+v, %v, want no interval", name, got, err)
		}
	}
}

// TestBootstrap compares with the normal approximation, which is good for
// hundreds of queries.
func TestBootstrap(t *testing.T) {
	for _, test := range []struct{ n, won, lost int }{{400, 40, 20}, {400, 0, 60}, {1000, 300, 300}} {
		before, after := slices.Repeat([]int{1}, test.n), slices.Repeat([]int{1}, test.n)
		for i := range test.won {
			before[i] = 6
		}
		for i := range test.lost {
			after[test.n-1-i] = 6
		}
		n := float64(test.n)
		mean := float64(test.won-test.lost) / n
		deviation := math.Sqrt((float64(test.won+test.lost)/n - mean*mean) / n)
		got := bootstrap(before, after, 5)
		if math.Abs(got.Low-(mean-1.96*deviation)) > 0.2*deviation || math.Abs(got.High-(mean+1.96*deviation)) > 0.2*deviation {
			t.Errorf("%+v: got %+v, want %.4f ± %.4f", test, *got, mean, 1.96*deviation)
		}
		if again := bootstrap(before, after, 5); *again != *got {
			t.Errorf("%+v: a second time it is %+v", test, *again)
		}
	}
}
