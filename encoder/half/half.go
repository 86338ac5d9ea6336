// Package half converts between float32 and IEEE 754 binary16, in which
// weights are stored and devices compute. It does no arithmetic.
package half

import "math"

// From is the exact value of a binary16.
func From(half uint16) float32 {
	sign := uint32(half&0x8000) << 16
	magnitude := uint32(half&0x7fff) << 13
	if half&0x7c00 == 0x7c00 { // infinite, or not a number
		return math.Float32frombits(sign | 0x7f800000 | magnitude)
	}
	value := math.Float32frombits(magnitude) * 0x1p112 // moves the exponent, of subnormals too
	return math.Float32frombits(sign | math.Float32bits(value))
}

// To rounds to the nearest binary16, ties to even; what is too large becomes
// infinite.
func To(value float32) uint16 {
	bits := math.Float32bits(value)
	sign := uint16(bits>>16) & 0x8000
	magnitude := bits &^ (1 << 31)
	switch {
	case magnitude > 0x7f800000: // not a number
		return sign | 0x7e00
	case magnitude >= 0x477ff000: // 65520 and more
		return sign | 0x7c00
	case magnitude < 0x38800000: // below 2^-14: a multiple of 2^-24
		return sign | uint16(math.RoundToEven(float64(math.Float32frombits(magnitude))*0x1p24))
	default:
		rounded := magnitude + 0xfff + magnitude>>13&1
		return sign | uint16(rounded>>13-(127-15)<<10)
	}
}
