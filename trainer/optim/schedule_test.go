package optim

import (
	"math"
	"testing"
)

func TestFactor(t *testing.T) {
	cosine := Schedule{Kind: Cosine, Warmup: 4, Steps: 12}
	constant := Schedule{Kind: Constant, Warmup: 2, Steps: 5}
	for _, test := range []struct {
		schedule Schedule
		step     int64
		want     float64
	}{
		{cosine, 0, 0.25}, {cosine, 1, 0.5}, {cosine, 3, 1}, {cosine, 4, 1},
		{cosine, 6, 0.5 * (1 + math.Sqrt2/2)}, {cosine, 8, 0.5}, {cosine, 10, 0.5 * (1 - math.Sqrt2/2)}, {cosine, 12, 0}, {cosine, 100, 0},
		{constant, 0, 0.5}, {constant, 1, 1}, {constant, 2, 1}, {constant, 100, 1},
		{Schedule{Kind: Cosine, Steps: 2}, 0, 1}, {Schedule{Kind: Cosine, Steps: 2}, 1, 0.5},
		{Schedule{Kind: Cosine, Warmup: 3, Steps: 3}, 2, 1}, {Schedule{Kind: Cosine, Warmup: 3, Steps: 3}, 3, 1},
	} {
		if got := test.schedule.Factor(test.step); math.Abs(got-test.want) > 1e-12 {
			t.Errorf("%+v: step %d has %v, want %v", test.schedule, test.step, got, test.want)
		}
	}
}

func TestScheduleIsChecked(t *testing.T) {
	for _, test := range []struct {
		schedule Schedule
		good     bool
	}{
		{Schedule{Kind: Cosine, Steps: 1}, true},
		{Schedule{Kind: Constant, Warmup: 3, Steps: 3}, true},
		{Schedule{Kind: "linear", Steps: 10}, false},
		{Schedule{Kind: Cosine}, false},
		{Schedule{Kind: Cosine, Warmup: -1, Steps: 3}, false},
		{Schedule{Kind: Cosine, Warmup: 4, Steps: 3}, false},
	} {
		if err := test.schedule.Check(); (err == nil) != test.good {
			t.Errorf("%+v: %v", test.schedule, err)
		}
	}
}
