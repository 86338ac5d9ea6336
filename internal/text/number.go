package text

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Exact is the largest integer up to which float64 holds every one.
const Exact = 1 << 53

// Number reads a JSON number so that equal numbers are equal values: float64, or
// int64 for an integer beyond Exact, however it is written (1e16, 16.0). Beyond 64
// bits, an integer is a float64 if that holds it exactly and an error otherwise, so
// that no two integers are taken for one; 2^63, which an index of int64 and float64
// cannot tell from its neighbour below, is an error as well. Other numbers are
// the nearest float64.
func Number(text json.Number) (any, error) {
	if integer, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return ofInteger(integer), nil
	}
	value, err := text.Float64()
	if err != nil || math.IsInf(value, 0) {
		return nil, fmt.Errorf("number %.40s is too large", text)
	}
	if math.Abs(value) < Exact {
		return value + 0, nil // -0 is 0
	}
	if math.Abs(value) >= 1<<64 && strings.ContainsAny(string(text), ".eE") {
		return value, nil
	}
	return large(text, value)
}

func ofInteger(integer int64) any {
	if integer > Exact || integer < -Exact {
		return integer
	}
	return float64(integer)
}

// large reads a number of Exact and more that is not plainly an int64. The
// exponent of its text is no larger than the text is long, or value would be larger.
func large(text json.Number, value float64) (any, error) {
	exact, ok := new(big.Rat).SetString(string(text))
	if !ok {
		return nil, fmt.Errorf("number %.40s cannot be read", text)
	}
	if !exact.IsInt() {
		return value, nil
	}
	if exact.Num().IsInt64() {
		return ofInteger(exact.Num().Int64()), nil
	}
	if nearest, same := exact.Float64(); !same || nearest == 1<<63 {
		return nil, fmt.Errorf("integer %.40s needs more than 64 bits, which cannot be compared exactly: write it as a text", text)
	}
	return value, nil
}
