package ort

import (
	"math"
	"strings"
	"testing"
)

// TestHalfIsExact goes through every number of 16 bits.
func TestHalfIsExact(t *testing.T) {
	for bits := range 1 << 16 {
		half := uint16(bits)
		value := fromHalf(half)
		if back := toHalf(value); back != half && !math.IsNaN(float64(value)) {
			t.Fatalf("%#04x is %v, which is %#04x", half, value, back)
		}
	}
}

func TestHalfValues(t *testing.T) {
	infinite := float32(math.Inf(1))
	tests := []struct {
		value float32
		half  uint16
		back  float32
	}{
		{1, 0x3c00, 1},
		{-2, 0xc000, -2},
		{65504, 0x7bff, 65504},
		{65519, 0x7bff, 65504},
		{65520, 0x7c00, infinite},
		{infinite, 0x7c00, infinite},
		{1 + 0x1p-11, 0x3c00, 1},           // a tie goes to even
		{1 + 3*0x1p-11, 0x3c02, 1.0019531}, // up as well as down
		{2 - 0x1p-12, 0x4000, 2},           // and into the exponent
		{0x1p-24, 1, 0x1p-24},
		{0x1p-25, 0, 0},
		{-0x1p-25 * 1.5, 0x8001, -0x1p-24},
		{0x1p-14 - 0x1p-26, 0x0400, 0x1p-14},
	}
	for _, test := range tests {
		if got := toHalf(test.value); got != test.half {
			t.Errorf("%v is %#04x, want %#04x", test.value, got, test.half)
		}
		if got := fromHalf(test.half); got != test.back {
			t.Errorf("%#04x is %v, want %v", test.half, got, test.back)
		}
	}
	if value := fromHalf(toHalf(float32(math.NaN()))); !math.IsNaN(float64(value)) {
		t.Errorf("NaN becomes %v", value)
	}
}

func TestNarrowRefusesWhatDoesNotFit(t *testing.T) {
	if _, err := narrow([]int64{1, math.MaxInt32 + 1}); err == nil || !strings.Contains(err.Error(), "position 1") {
		t.Errorf("2^31 as int32 answers %v", err)
	}
	if got, err := narrow([]int64{math.MinInt32}); err != nil || got[0] != math.MinInt32 {
		t.Errorf("-2^31 as int32 is %v, %v", got, err)
	}
}
