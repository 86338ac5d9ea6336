package half

import (
	"math"
	"testing"
)

// TestEvery checks every binary16 that is a number, and what lies between two.
func TestEvery(t *testing.T) {
	for bits := range uint16(0x7c00) {
		value := float64(bits&0x3ff) / (1 << 24)
		if exponent := int(bits >> 10); exponent > 0 {
			value = math.Ldexp(1+float64(bits&0x3ff)/1024, exponent-15)
		}
		if got := To(float32(value)); got != bits {
			t.Fatalf("To(%v) is %#04x, want %#04x", value, got, bits)
		}
		if got := From(bits); float64(got) != value {
			t.Fatalf("From(%#04x) is %v, want %v", bits, got, value)
		}
		if got := From(bits | 0x8000); float64(got) != -value || !math.Signbit(float64(got)) {
			t.Fatalf("From(%#04x) is %v", bits|0x8000, got)
		}
		if got := To(float32(-value)); got != bits|0x8000 {
			t.Fatalf("To(%v) is %#04x", -value, got)
		}
	}
	for value, want := range map[float32]uint16{
		1 + 1.0/2048: 0x3c00, 1 + 3.0/2048: 0x3c02, 1 + 1.01/2048: 0x3c01, 65519: 0x7bff, 65520: 0x7c00, 1e9: 0x7c00,
		float32(math.Inf(-1)): 0xfc00, 1.0 / (1 << 26): 0, 3.0 / (1 << 26): 1,
	} {
		if got := To(value); got != want {
			t.Errorf("To(%v) is %#04x, want %#04x", value, got, want)
		}
	}
	if To(float32(math.NaN()))&0x7fff <= 0x7c00 {
		t.Error("NaN becomes a number")
	}
	if !math.IsInf(float64(From(0xfc00)), -1) || !math.IsNaN(float64(From(0x7e01))) {
		t.Error("infinity or NaN becomes a number")
	}
}

// TestIsExact goes through every number of 16 bits.
func TestIsExact(t *testing.T) {
	for bits := range 1 << 16 {
		half := uint16(bits)
		value := From(half)
		if back := To(value); back != half && !math.IsNaN(float64(value)) {
			t.Fatalf("%#04x is %v, which is %#04x", half, value, back)
		}
	}
}

func TestValues(t *testing.T) {
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
		if got := To(test.value); got != test.half {
			t.Errorf("%v is %#04x, want %#04x", test.value, got, test.half)
		}
		if got := From(test.half); got != test.back {
			t.Errorf("%#04x is %v, want %v", test.half, got, test.back)
		}
	}
	if value := From(To(float32(math.NaN()))); !math.IsNaN(float64(value)) {
		t.Errorf("NaN becomes %v", value)
	}
}
