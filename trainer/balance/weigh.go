package balance

import (
	"fmt"
	"math"
	"slices"
)

// Result holds the weights and what they change.
type Result struct {
	Weights        []float64        `json:"-"`    // by example, in [0, 1]
	Kept           float64          `json:"kept"` // mean weight: the share of the examples that a sample keeps
	Representation []Representation `json:"representation"`
	Association    []Association    `json:"association"`

	cell []int // of each example
}

// Representation says how often an attribute occurs.
type Representation struct {
	Attribute string  `json:"attribute"`
	Target    float64 `json:"target"`
	Before    float64 `json:"before"` // mean
	After     float64 `json:"after"`  // mean under the weights
}

// Association says how an attribute correlates with a label.
type Association struct {
	Attribute        string  `json:"attribute"`
	Label            string  `json:"label"`
	Before           float64 `json:"before"` // Pearson's correlation
	After            float64 `json:"after"`
	DifferenceBefore float64 `json:"difference_before"` // E[y | s=1] - E[y | s=0], the paper's definition 2
	DifferenceAfter  float64 `json:"difference_after"`
}

// rounds of finding weights under the spreads of the labels that the weights
// before gave.
const rounds = 6

// margin is the share of a limit that is aimed at, so that the limit holds although
// the spreads change.
const margin = 0.9

// Weigh finds weights that meet the goal and stay close to the utility, in
// terms of squares. Equal examples have equal weights, and equal data and goals
// give equal results. Columns that the goal does not name are left alone.
//
// Errors name an unknown attribute and list the known ones; a column that is
// constant, of another length, or no number; or, where no weights meet the goal, the
// constraint that is hardest to meet.
func Weigh(columns []Column, goal Goal) (Result, error) {
	d, err := prepare(columns, goal)
	if err != nil {
		return Result{}, err
	}
	c := d.cells()
	even := slices.Repeat([]float64{1}, len(c.share))
	q := even
	var multipliers []float64
	for range rounds {
		p := program{cells: c, constraints: d.constraints(c, q)}
		if len(multipliers) != len(p.constraints) {
			multipliers = make([]float64, len(p.constraints))
		}
		found, ok := p.solve(multipliers)
		if !ok {
			return Result{}, fmt.Errorf("no weights meet the goal, or only by dropping nearly all of the %d examples; most in the way is %s: change targets or limits, or add examples",
				d.count, p.hardest(multipliers))
		}
		q = found
		if d.excess(c, q) <= 0 {
			return d.result(c, even, q), nil
		}
	}
	result := d.result(c, even, q)
	return Result{}, fmt.Errorf("the goal was not reached in %d rounds (representation %+v, association %+v): allow a larger gap or correlation",
		rounds, result.Representation, result.Association)
}

// constraints bound both sides of every moment. Labels are taken in units of
// their spread under the present weights.
func (d data) constraints(c cells, q []float64) []constraint {
	var all []constraint
	for k, target := range d.goal.Attributes {
		centred := moved(c.s[k], target.Mean, 1)
		all = append(all, bothSides(c, centred, margin*d.goal.MaxGap, fmt.Sprintf("attribute %q at a mean of %v", target.Attribute, target.Mean))...)
		unit := moved(c.s[k], target.Mean, math.Sqrt(target.Mean*(1-target.Mean)))
		for r, name := range d.goal.Labels {
			spread := c.deviation(q, c.y[r])
			if spread == 0 { // what does not vary correlates with nothing
				continue
			}
			product := moved(c.y[r], c.mean(q, c.y[r]), spread)
			for i := range product {
				product[i] *= unit[i]
			}
			all = append(all, bothSides(c, product, margin*d.goal.MaxCorrelation, fmt.Sprintf("attribute %q apart from label %q", target.Attribute, name))...)
		}
	}
	return all
}

// moved is (values - centre) / spread.
func moved(values []float64, centre, spread float64) []float64 {
	result := make([]float64, len(values))
	for i, value := range values {
		result[i] = (value - centre) / spread
	}
	return result
}

// bothSides are the constraints that |E[q values]| <= limit * E[q].
func bothSides(c cells, values []float64, limit float64, what string) []constraint {
	var sides []constraint
	for _, sign := range []float64{1, -1} {
		side := constraint{coefficients: make([]float64, len(values)), what: what}
		var square float64
		for i, value := range values {
			side.coefficients[i] = sign*value - limit
			square += c.share[i] * side.coefficients[i] * side.coefficients[i]
		}
		for i := range side.coefficients {
			side.coefficients[i] /= math.Sqrt(square)
		}
		sides = append(sides, side)
	}
	return sides
}

// hardest names the constraint with the largest multiplier.
func (p program) hardest(multipliers []float64) string {
	at := 0
	for k, multiplier := range multipliers {
		if multiplier > multipliers[at] {
			at = k
		}
	}
	return p.constraints[at].what
}

// excess is by how much the weights miss the worst limit, in parts of it.
func (d data) excess(c cells, q []float64) float64 {
	worst := math.Inf(-1)
	for k, target := range d.goal.Attributes {
		gap := math.Abs(c.mean(q, c.s[k]) - target.Mean)
		worst = max(worst, gap/d.goal.MaxGap-1)
		for r := range d.goal.Labels {
			worst = max(worst, math.Abs(c.correlation(q, c.s[k], c.y[r]))/d.goal.MaxCorrelation-1)
		}
	}
	return worst
}

func (d data) result(c cells, before, after []float64) Result {
	result := Result{Weights: make([]float64, d.count), Kept: c.kept(after), cell: c.of}
	for i, cell := range c.of {
		result.Weights[i] = after[cell]
	}
	for k, target := range d.goal.Attributes {
		result.Representation = append(result.Representation, Representation{
			Attribute: target.Attribute, Target: target.Mean, Before: c.mean(before, c.s[k]), After: c.mean(after, c.s[k])})
		for r, name := range d.goal.Labels {
			result.Association = append(result.Association, Association{
				Attribute: target.Attribute, Label: name,
				Before: c.correlation(before, c.s[k], c.y[r]), After: c.correlation(after, c.s[k], c.y[r]),
				DifferenceBefore: c.difference(before, c.s[k], c.y[r]), DifferenceAfter: c.difference(after, c.s[k], c.y[r]),
			})
		}
	}
	return result
}

// difference is E[y | s=1] - E[y | s=0] under weights.
func (c cells) difference(weights, s, y []float64) float64 {
	mean := c.mean(weights, s)
	return c.covariance(weights, s, y) / (mean * (1 - mean))
}
