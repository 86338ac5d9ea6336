package optim

import "testing"

func TestLossScale(t *testing.T) {
	for name, test := range map[string]struct {
		from     LossScale
		overflow bool
		want     LossScale
	}{
		"good":               {LossScale{1024, 7}, false, LossScale{1024, 8}},
		"good often enough":  {LossScale{1024, goodSteps - 1}, false, LossScale{2048, 0}},
		"largest":            {LossScale{mostScale, goodSteps - 1}, false, LossScale{mostScale, 0}},
		"overflow":           {LossScale{1024, 7}, true, LossScale{512, 0}},
		"overflow of nearly": {LossScale{1024, goodSteps - 1}, true, LossScale{512, 0}},
		"smallest":           {LossScale{leastScale, 3}, true, LossScale{leastScale, 0}},
	} {
		if got := test.from.After(test.overflow); got != test.want {
			t.Errorf("%s: after %+v comes %+v, want %+v", name, test.from, got, test.want)
		}
	}
}

// TestLossScaleFindsItsPlace lets everything above 5000 overflow.
func TestLossScaleFindsItsPlace(t *testing.T) {
	scale, overflows := FirstLossScale(), 0
	for range 10 * goodSteps {
		overflow := scale.Scale > 5000
		if overflow {
			overflows++
		}
		scale = scale.After(overflow)
	}
	if scale.Scale != 4096 || overflows != 4+9 {
		t.Errorf("the scale is %v after %d overflows, want 4096 after 4 to come down and 9 to try again", scale.Scale, overflows)
	}
	if scale.Exhausted() || !(LossScale{Scale: leastScale}).Exhausted() {
		t.Error("it is not the lowest scale alone that is exhausted")
	}
}
