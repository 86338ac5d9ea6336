package balance

import (
	"math"
	"slices"
)

// constraint demands sum over cells of share * q * coefficients <= 0.
type constraint struct {
	coefficients []float64 // by cell, scaled to a mean square of 1
	what         string    // for an error
}

// program finds weights q in [0, 1] with the least E[(q - utility)^2] / 2 under
// constraints that q = 0 always meets.
type program struct {
	cells       cells
	constraints []constraint
}

// Limits of the search for the dual optimum.
const (
	maxSteps     = 20_000
	slack        = 1e-6 // of a constraint, and of the objective
	worthKeeping = 1e-4 // of the utility: below it, no weights meet the constraints
)

// weights are the primal optimum for given multipliers, one for each
// constraint: q = clip(utility - multipliers * coefficients, 0, 1).
func (p program) weights(multipliers, q []float64) {
	copy(q, p.cells.utility)
	for k, multiplier := range multipliers {
		if multiplier == 0 {
			continue
		}
		for i, coefficient := range p.constraints[k].coefficients {
			q[i] -= multiplier * coefficient
		}
	}
	for i := range q {
		q[i] = min(max(q[i], 0), 1)
	}
}

// gradient of the dual: by how much q exceeds each constraint.
func (p program) gradient(q, gradient []float64) {
	for k, constraint := range p.constraints {
		gradient[k] = 0
		for i, coefficient := range constraint.coefficients {
			gradient[k] += p.cells.share[i] * q[i] * coefficient
		}
	}
}

// objective is E[(q - utility)^2] / 2.
func (p program) objective(q []float64) float64 {
	var sum float64
	for i, share := range p.cells.share {
		sum += share * (q[i] - p.cells.utility[i]) * (q[i] - p.cells.utility[i]) / 2
	}
	return sum
}

// solve ascends the dual by projected gradients with Nesterov's momentum,
// restarted where it leads downhill (O'Donoghue and Candes 2015), from the
// multipliers given, which it moves to the optimum. It returns the weights by
// cell. ok is false where next to nothing can be kept.
func (p program) solve(multipliers []float64) (q []float64, ok bool) {
	count := len(p.constraints)
	q = make([]float64, len(p.cells.share))
	ahead, gradient := slices.Clone(multipliers), make([]float64, count)
	nothing := p.objective(q) // of keeping no example
	step := 1 / p.curvature()
	momentum := 1.0
	for range maxSteps {
		p.weights(ahead, q)
		p.gradient(q, gradient)
		uphill := 0.0
		next := (1 + math.Sqrt(1+4*momentum*momentum)) / 2
		for k := range multipliers {
			moved := max(0, ahead[k]+step*gradient[k])
			change := moved - multipliers[k]
			uphill += gradient[k] * change
			multipliers[k] = moved
			ahead[k] = moved + (momentum-1)/next*change
		}
		if momentum = next; uphill < 0 {
			copy(ahead, multipliers)
			momentum = 1
		}
		worst, gap := p.judge(multipliers, q, gradient)
		if p.objective(q)-gap > nothing*(1-worthKeeping) {
			return q, false
		}
		if worst <= slack && math.Abs(gap) <= slack {
			break
		}
	}
	return q, true
}

// curvature bounds how fast the dual's gradient changes: the largest eigenvalue
// of E[a a'] for the coefficients a is at most the largest sum of a row.
func (p program) curvature() float64 {
	worst := 0.0
	for _, one := range p.constraints {
		row := 0.0
		for _, other := range p.constraints {
			product := 0.0
			for i, share := range p.cells.share {
				product += share * one.coefficients[i] * other.coefficients[i]
			}
			row += math.Abs(product)
		}
		worst = max(worst, row)
	}
	return worst
}

// judge sets q and gradient to what the multipliers give. It returns the
// largest excess over a constraint, and by how much the dual's value, which no
// feasible weights can undercut, lies below the objective.
func (p program) judge(multipliers, q, gradient []float64) (worst, gap float64) {
	p.weights(multipliers, q)
	p.gradient(q, gradient)
	for k, excess := range gradient {
		worst = max(worst, excess)
		gap -= multipliers[k] * excess
	}
	return worst, gap
}
