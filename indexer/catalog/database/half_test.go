package database

import (
	"math"
	"slices"
	"testing"
)

func TestHalfLiterals(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, test := range []struct {
		x    float32
		want uint16
	}{
		{0, 0x0000},
		{float32(math.Copysign(0, -1)), 0x8000},
		{1, 0x3c00},
		{-2, 0xc000},
		{65504, 0x7bff},                   // largest
		{65519.996, 0x7bff},               // rounds down to it
		{65520, 0x7c00},                   // a tie, to even: infinity
		{inf, 0x7c00},                     //
		{-inf, 0xfc00},                    //
		{1 + 1.0/2048, 0x3c00},            // a tie between 1 and the next: even is 1
		{1 + 3.0/2048, 0x3c02},            // a tie the other way
		{6.103515625e-05, 0x0400},         // 2^-14, smallest normal
		{6.0975551605e-05, 0x03ff},        // largest subnormal
		{6.1005353927612305e-05, 0x0400},  // a tie that carries into the normals
		{5.9604644775390625e-08, 0x0001},  // 2^-24, smallest
		{2.98023223876953125e-08, 0x0000}, // half of it: a tie, to even
		{2.9802325e-08, 0x0001},           // a little more
		{0.1, 0x2e66},
	} {
		if got := toHalf(test.x); got != test.want {
			t.Errorf("toHalf(%g) = %#04x, want %#04x", test.x, got, test.want)
		}
	}
	if got := fromHalf(toHalf(float32(math.NaN()))); got == got {
		t.Errorf("NaN became %g", got)
	}
}

// Every binary16 value survives, and toHalf picks the nearest of all of them.
func TestHalfAllValues(t *testing.T) {
	for h := range 0x7c00 {
		x := fromHalf(uint16(h))
		if got := toHalf(x); got != uint16(h) {
			t.Fatalf("toHalf(fromHalf(%#04x)) = %#04x", h, got)
		}
		if got := toHalf(-x); got != uint16(h)|0x8000 {
			t.Fatalf("toHalf(-fromHalf(%#04x)) = %#04x", h, got)
		}
		if h+1 == 0x7c00 {
			break
		}
		next := fromHalf(uint16(h + 1))
		middle := float32((float64(x) + float64(next)) / 2) // exact: 12 bits of mantissa
		even := uint16(h + h&1)
		for input, want := range map[float32]uint16{
			math.Nextafter32(middle, 0):     uint16(h),
			middle:                          even,
			math.Nextafter32(middle, 1<<20): uint16(h + 1),
		} {
			if got := toHalf(input); got != want {
				t.Fatalf("toHalf(%g) = %#04x, want %#04x", input, got, want)
			}
		}
	}
}

func TestRoundIsWhatTheStoreGivesBack(t *testing.T) {
	vector := []float32{0.1, -0.7, 0.3, 1e-6, 0.64}
	stored, err := decodeHalf(encodeHalf(vector))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(stored, Round(vector)) {
		t.Errorf("stored %v, rounded %v", stored, Round(vector))
	}
	var sum float64
	for _, x := range stored {
		sum += float64(x) * float64(x)
	}
	if math.Abs(sum-1) > 1e-6 {
		t.Errorf("squared length is %g, want 1", sum)
	}
	if zero := Round([]float32{0, 0}); !slices.Equal(zero, []float32{0, 0}) {
		t.Errorf("a zero vector became %v", zero)
	}
	if _, err := decodeHalf([]byte{1}); err == nil {
		t.Error("an odd number of bytes was accepted")
	}
}
