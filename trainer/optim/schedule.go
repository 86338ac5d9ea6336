package optim

import (
	"fmt"
	"math"
)

// Kinds of schedules.
const (
	Cosine   = "cosine"
	Constant = "constant"
)

// Schedule says how the learning rate changes, as a factor of its peak: it rises
// linearly over the warmup, then stays (Constant) or falls to zero along half a
// cosine (Loshchilov and Hutter 2017, arXiv 1608.03983, equation 5).
type Schedule struct {
	Kind   string // Cosine or Constant
	Warmup int64  // steps
	Steps  int64  // in all, warmup included
}

// Check reports what is wrong with the schedule.
func (s Schedule) Check() error {
	switch {
	case s.Kind != Cosine && s.Kind != Constant:
		return fmt.Errorf("schedule %q is unknown: choose %q or %q", s.Kind, Cosine, Constant)
	case s.Steps < 1:
		return fmt.Errorf("a schedule of %d steps trains nothing: ask for at least 1", s.Steps)
	case s.Warmup < 0 || s.Warmup > s.Steps:
		return fmt.Errorf("a warmup of %d steps does not fit %d steps", s.Warmup, s.Steps)
	}
	return nil
}

// Factor is the share of the peak learning rate at a step, counted from 0. The
// first step of a warmup of n has 1/n, and its last the whole.
func (s Schedule) Factor(step int64) float64 {
	if step < s.Warmup {
		return float64(step+1) / float64(s.Warmup)
	}
	if s.Kind == Constant {
		return 1
	}
	done := float64(step-s.Warmup) / float64(max(1, s.Steps-s.Warmup))
	return 0.5 * (1 + math.Cos(math.Pi*min(1, done)))
}
