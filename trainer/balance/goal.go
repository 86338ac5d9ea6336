package balance

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Column is something that is known about every example.
type Column struct {
	Name   string
	Values []float64
}

// Target is how often a sensitive attribute shall occur.
type Target struct {
	Attribute string  // a column of zeros and ones
	Mean      float64 // between 0 and 1
}

// Goal is what the weights have to reach.
type Goal struct {
	Attributes []Target
	Labels     []string // columns, of any numbers, that shall not correlate with the attributes

	MaxGap         float64 // between an attribute's mean and its target; 0 stands for 0.01
	MaxCorrelation float64 // between an attribute and a label, absolute; 0 stands for 0.05

	// Utility says how much each example is worth keeping, in [0, 1]: weights stay as
	// close to it as the rest allows. Nil stands for 1 throughout.
	Utility []float64
}

// The limits that zero stands for, and the least that can be asked for.
const (
	defaultGap         = 0.01
	defaultCorrelation = 0.05
	leastLimit         = 1e-4
)

// data is a goal with the columns that it names.
type data struct {
	goal       Goal
	count      int
	attributes []Column // as in goal.Attributes
	labels     []Column // as in goal.Labels
	utility    []float64
}

// prepare finds and checks what the goal names.
func prepare(columns []Column, goal Goal) (data, error) {
	d := data{goal: goal, utility: goal.Utility}
	if err := d.setLimits(); err != nil {
		return data{}, err
	}
	if len(goal.Attributes) == 0 {
		return data{}, fmt.Errorf("no attribute is named, there are %s", names(columns))
	}
	for _, target := range goal.Attributes {
		column, err := attribute(columns, target)
		if err != nil {
			return data{}, err
		}
		d.attributes = append(d.attributes, column)
	}
	for _, name := range goal.Labels {
		column, err := label(columns, name)
		if err != nil {
			return data{}, err
		}
		d.labels = append(d.labels, column)
	}
	return d, d.checkTogether()
}

func (d *data) setLimits() error {
	if d.goal.MaxGap == 0 {
		d.goal.MaxGap = defaultGap
	}
	if d.goal.MaxCorrelation == 0 {
		d.goal.MaxCorrelation = defaultCorrelation
	}
	for _, limit := range []float64{d.goal.MaxGap, d.goal.MaxCorrelation} {
		if !(limit >= leastLimit && limit < 1) {
			return fmt.Errorf("a limit of %v cannot be kept, give one from %v to below 1", limit, leastLimit)
		}
	}
	return nil
}

func attribute(columns []Column, target Target) (Column, error) {
	column, err := find(columns, target.Attribute)
	if err != nil {
		return Column{}, err
	}
	if bad := slices.IndexFunc(column.Values, func(v float64) bool { return v != 0 && v != 1 }); bad >= 0 {
		return Column{}, fmt.Errorf("attribute %q is %v in example %d, it must be 0 or 1", column.Name, column.Values[bad], bad)
	}
	if !(target.Mean > 0 && target.Mean < 1) {
		return Column{}, fmt.Errorf("attribute %q cannot have the mean %v, give one between 0 and 1", column.Name, target.Mean)
	}
	return column, nil
}

func label(columns []Column, name string) (Column, error) {
	column, err := find(columns, name)
	if err != nil {
		return Column{}, err
	}
	if bad := slices.IndexFunc(column.Values, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }); bad >= 0 {
		return Column{}, fmt.Errorf("label %q is %v in example %d, which is no number", name, column.Values[bad], bad)
	}
	return column, nil
}

// find returns a column that is not the same for all examples.
func find(columns []Column, name string) (Column, error) {
	at := slices.IndexFunc(columns, func(column Column) bool { return column.Name == name })
	if at < 0 {
		return Column{}, fmt.Errorf("there is no attribute %q, but %s", name, names(columns))
	}
	column := columns[at]
	if len(column.Values) == 0 {
		return Column{}, fmt.Errorf("attribute %q has no examples", name)
	}
	if first := column.Values[0]; !slices.ContainsFunc(column.Values, func(v float64) bool { return v != first }) {
		return Column{}, fmt.Errorf("attribute %q is %v in all %d examples, so nothing can be balanced by it: leave it out, or add examples", name, first, len(column.Values))
	}
	return column, nil
}

// names lists what there is.
func names(columns []Column) string {
	if len(columns) == 0 {
		return "none at all"
	}
	var known []string
	for _, column := range columns {
		known = append(known, column.Name)
	}
	slices.Sort(known)
	return strings.Join(known, ", ")
}

// checkTogether demands equal lengths and that nothing is named twice.
func (d *data) checkTogether() error {
	seen := map[string]bool{}
	d.count = len(d.attributes[0].Values)
	for _, column := range slices.Concat(d.attributes, d.labels) {
		if seen[column.Name] {
			return fmt.Errorf("%q is named twice: it can be balanced once, or kept apart from attributes, not both", column.Name)
		}
		seen[column.Name] = true
		if len(column.Values) != d.count {
			return fmt.Errorf("%q is known of %d examples, %q of %d", column.Name, len(column.Values), d.attributes[0].Name, d.count)
		}
	}
	return d.checkUtility()
}

func (d *data) checkUtility() error {
	if d.utility == nil {
		d.utility = slices.Repeat([]float64{1}, d.count)
	}
	if len(d.utility) != d.count {
		return fmt.Errorf("the utility is known of %d examples, the attributes of %d", len(d.utility), d.count)
	}
	if bad := slices.IndexFunc(d.utility, func(v float64) bool { return !(v >= 0 && v <= 1) }); bad >= 0 {
		return fmt.Errorf("the utility of example %d is %v, it must lie between 0 and 1", bad, d.utility[bad])
	}
	if slices.Max(d.utility) == 0 {
		return fmt.Errorf("the utility of all %d examples is 0: nothing would be kept", d.count)
	}
	return nil
}
