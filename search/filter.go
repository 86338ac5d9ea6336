package search

import (
	"fmt"
	"math"
	"slices"

	"polylens/internal/text"
)

// Filter is an allow-listed condition on metadata. It is data, never text in
// the index's own language: see ParseFilter for its JSON form. And, Or, Not
// and Compare are all the filters there are.
type Filter interface {
	// Matches evaluates the condition on one row's metadata.
	Matches(metadata map[string]any) bool
}

// And holds when all its parts do; without parts always.
type And []Filter

// Or holds when one of its parts does; without parts never.
type Or []Filter

// Not holds when its part does not.
type Not struct{ Filter Filter }

// Compare compares one metadata value with Value: a string, float64, int64 or bool; for
// In, a []any of these. Numbers are compared exactly, 1 and 1.0 are one number. Values of
// different types are never equal and have no order; bools have none at all. A field
// that is missing, null, an object or an array fails every comparison but Ne, which is
// exactly not Eq, and Contains, which asks whether an array has the value among its
// elements. Texts are compared byte by byte: ParseFilter composes them (NFC), and so is
// metadata when it is read.
type Compare struct {
	Field string // of the metadata: see Fields
	Op    Op
	Value any
}

// Op is a comparison.
type Op string

// The comparisons.
const (
	Eq       Op = "eq"
	Ne       Op = "ne"
	Lt       Op = "lt"
	Le       Op = "le"
	Gt       Op = "gt"
	Ge       Op = "ge"
	In       Op = "in"
	Contains Op = "contains"
)

// Bounds of what CheckFilter accepts.
const (
	MaxFilterDepth  = 16   // nesting of And, Or and Not
	MaxFilterValues = 1000 // conditions in all; one with a list of values counts as so many
	MaxFilterString = 1024 // bytes of one value
)

// Matches implements Filter.
func (f And) Matches(metadata map[string]any) bool {
	for _, part := range f {
		if !part.Matches(metadata) {
			return false
		}
	}
	return true
}

// Matches implements Filter.
func (f Or) Matches(metadata map[string]any) bool {
	for _, part := range f {
		if part.Matches(metadata) {
			return true
		}
	}
	return false
}

// Matches implements Filter.
func (f Not) Matches(metadata map[string]any) bool { return !f.Filter.Matches(metadata) }

// Matches implements Filter.
func (f Compare) Matches(metadata map[string]any) bool {
	if f.Op == Ne {
		return !Compare{Field: f.Field, Op: Eq, Value: f.Value}.Matches(metadata)
	}
	return slices.ContainsFunc(valuesAt(metadata, f.Field), f.fulfilled)
}

// fulfilled is for one stored value and every comparison but Ne.
func (f Compare) fulfilled(stored any) bool {
	switch f.Op {
	case Eq:
		return equal(stored, f.Value)
	case In:
		values, _ := f.Value.([]any)
		return hasElement(values, stored)
	case Contains:
		return contains(stored, f.Value)
	}
	return ordered(stored, f.Op, f.Value)
}

// contains looks into the array types that metadata comes in.
func contains(stored, value any) bool {
	switch stored := stored.(type) {
	case []any:
		return hasElement(stored, value)
	case []string:
		for _, element := range stored {
			if equal(element, value) {
				return true
			}
		}
	}
	return false
}

func hasElement(values []any, value any) bool {
	for _, element := range values {
		if equal(element, value) {
			return true
		}
	}
	return false
}

// CheckFilter reports what is wrong with a filter: an unknown kind or
// comparison, a field or value of the wrong form, or too much of it. Every
// index calls it before it evaluates one. nil is a valid filter.
func CheckFilter(filter Filter) error {
	if filter == nil {
		return nil
	}
	values := 0
	return checkFilter(filter, 0, &values)
}

func checkFilter(filter Filter, depth int, values *int) error {
	if depth > MaxFilterDepth {
		return fmt.Errorf("filter is nested deeper than %d", MaxFilterDepth)
	}
	if *values += conditions(filter); *values > MaxFilterValues {
		return fmt.Errorf("filter has more than %d conditions, where each value of a list is one", MaxFilterValues)
	}
	switch filter := filter.(type) {
	case And:
		return checkParts(filter, depth, values)
	case Or:
		return checkParts(filter, depth, values)
	case Not:
		return checkFilter(filter.Filter, depth+1, values)
	case Compare:
		return filter.check()
	}
	return fmt.Errorf("filter of unknown kind %T", filter)
}

// conditions are those that a filter is itself, without its parts. What has neither
// counts as one, so that nothing is free.
func conditions(filter Filter) int {
	switch filter := filter.(type) {
	case And:
		return emptiness(len(filter))
	case Or:
		return emptiness(len(filter))
	case Not:
		return 0
	case Compare:
		if list, ok := filter.Value.([]any); ok && filter.Op == In {
			return max(len(list), 1)
		}
	}
	return 1
}

func emptiness(parts int) int {
	if parts == 0 {
		return 1
	}
	return 0
}

func checkParts(parts []Filter, depth int, values *int) error {
	for _, part := range parts {
		if err := checkFilter(part, depth+1, values); err != nil {
			return err
		}
	}
	return nil
}

func (f Compare) check() error {
	if _, err := Fields(f.Field); err != nil {
		return err
	}
	switch f.Op {
	case Contains:
		if f.Value == int64(math.MinInt64) { // Milvus has no literal for it
			return fmt.Errorf("filter field %q: %d cannot be looked for in lists", f.Field, int64(math.MinInt64))
		}
		return checkValue(f.Field, f.Value)
	case Eq, Ne:
		return checkValue(f.Field, f.Value)
	case Lt, Le, Gt, Ge:
		if _, isBool := f.Value.(bool); isBool {
			return fmt.Errorf("filter field %q: true and false have no order", f.Field)
		}
		return checkValue(f.Field, f.Value)
	case In:
		list, ok := f.Value.([]any)
		if !ok {
			return fmt.Errorf("filter field %q: in needs a list of values, not %T", f.Field, f.Value)
		}
		for _, value := range list {
			if err := checkValue(f.Field, value); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("filter field %q: unknown comparison %q", f.Field, f.Op)
}

func checkValue(field string, value any) error {
	switch value := value.(type) {
	case bool, int64:
		return nil
	case float64:
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return fmt.Errorf("filter field %q: %v is not a JSON number", field, value)
		}
		return nil
	case string:
		if len(value) > MaxFilterString {
			return fmt.Errorf("filter field %q: value of %d bytes, at most %d are allowed", field, len(value), MaxFilterString)
		}
		if err := text.Check(value); err != nil {
			return fmt.Errorf("filter field %q: value %q: %w", field, value, err)
		}
		return nil
	}
	return fmt.Errorf("filter field %q: a string, number or bool is needed, not %T", field, value)
}
