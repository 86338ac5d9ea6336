package search

import (
	"cmp"
	"encoding/json"
	"math"

	"polylens/internal/text"
)

// equal compares strings, numbers and bools; nothing else equals anything.
func equal(a, b any) bool {
	if x, ok := numberOf(a); ok {
		y, ok := numberOf(b)
		return ok && x.compare(y) == 0
	}
	switch a := a.(type) {
	case string:
		b, ok := b.(string)
		return ok && a == b
	case bool:
		b, ok := b.(bool)
		return ok && a == b
	}
	return false
}

// ordered compares two numbers, or two strings byte by byte.
func ordered(stored any, op Op, value any) bool {
	if x, ok := numberOf(stored); ok {
		y, ok := numberOf(value)
		return ok && holds(op, x.compare(y))
	}
	x, isString := stored.(string)
	y, ok := value.(string)
	return isString && ok && holds(op, cmp.Compare(x, y))
}

func holds(op Op, order int) bool {
	switch op {
	case Lt:
		return order < 0
	case Le:
		return order <= 0
	case Gt:
		return order > 0
	case Ge:
		return order >= 0
	}
	return false
}

// number is a JSON number without loss: an int64 if it is whole and fits.
type number struct {
	whole   bool
	integer int64
	float   float64 // if not whole
}

// numberOf reads the number types that metadata comes in.
func numberOf(value any) (number, bool) {
	switch value := value.(type) {
	case float64:
		return ofFloat(value), true
	case float32:
		return ofFloat(float64(value)), true
	case int:
		return number{whole: true, integer: int64(value)}, true
	case int64:
		return number{whole: true, integer: value}, true
	case json.Number:
		read, err := text.Number(value)
		if err != nil {
			return number{}, false
		}
		return numberOf(read)
	}
	return number{}, false
}

func ofFloat(value float64) number {
	if value == math.Trunc(value) && value >= -1<<63 && value < 1<<63 {
		return number{whole: true, integer: int64(value)}
	}
	return number{float: value}
}

// compare is -1, 0 or 1. Below 2^53 an int64 is a float64 without loss; beyond,
// what is not whole is beyond int64 as well.
func (n number) compare(other number) int {
	switch {
	case n.whole && other.whole:
		return cmp.Compare(n.integer, other.integer)
	case !n.whole && !other.whole:
		return cmp.Compare(n.float, other.float)
	case other.whole:
		return -other.compare(n)
	case other.float >= 1<<63:
		return -1
	}
	return cmp.Compare(float64(n.integer), other.float)
}
