package optim

// LossScale is what a loss in half precision is multiplied by, so that small
// gradients do not vanish (Micikevicius et al. 2018, arXiv 1710.03740, section
// 3.2). It is found as training goes: halved when a gradient overflows, whose
// update is then left out, and doubled after many updates without.
type LossScale struct {
	Scale float64 // a power of two
	Steps int64   // without overflow since the scale last changed
}

// The bounds of the scale, and how many steps without overflow double it.
const (
	firstScale = 1 << 16
	leastScale = 1
	mostScale  = 1 << 24
	goodSteps  = 2000
)

// FirstLossScale is what training in half precision begins with.
func FirstLossScale() LossScale { return LossScale{Scale: firstScale} }

// After is the scale after a step.
func (s LossScale) After(overflow bool) LossScale {
	if overflow {
		return LossScale{Scale: max(leastScale, s.Scale/2)}
	}
	if s.Steps++; s.Steps < goodSteps {
		return s
	}
	return LossScale{Scale: min(mostScale, 2*s.Scale)}
}

// Exhausted reports whether an overflow cannot be blamed on the scale, which is as
// low as it can be: training has diverged.
func (s LossScale) Exhausted() bool { return s.Scale <= leastScale }
