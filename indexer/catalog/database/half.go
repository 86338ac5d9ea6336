package database

import (
	"encoding/binary"
	"fmt"
	"math"
)

// encodeHalf writes a vector as little-endian binary16.
func encodeHalf(vector []float32) []byte {
	data := make([]byte, 0, 2*len(vector))
	for _, x := range vector {
		data = binary.LittleEndian.AppendUint16(data, toHalf(x))
	}
	return data
}

// decodeHalf is the inverse of encodeHalf, brought back to unit length.
func decodeHalf(data []byte) ([]float32, error) {
	if len(data)%2 != 0 {
		return nil, fmt.Errorf("stored vector has %d bytes, want an even number", len(data))
	}
	vector := make([]float32, len(data)/2)
	for i := range vector {
		vector[i] = fromHalf(binary.LittleEndian.Uint16(data[2*i:]))
	}
	normalize(vector)
	return vector, nil
}

// normalize scales to unit length; a zero vector stays as it is. The sum runs
// in float64 in index order, so the same input always gives the same bits.
func normalize(vector []float32) {
	var sum float64
	for _, x := range vector {
		sum += float64(x) * float64(x)
	}
	if sum == 0 {
		return
	}
	scale := 1 / math.Sqrt(sum)
	for i, x := range vector {
		vector[i] = float32(float64(x) * scale)
	}
}

// toHalf converts to IEEE 754 binary16, rounding to nearest, ties to even.
// Values beyond its range become infinities, NaN stays NaN.
func toHalf(x float32) uint16 {
	bits := math.Float32bits(x)
	sign := uint16(bits >> 16 & 0x8000)
	bits &= 0x7fffffff
	switch {
	case bits > 0x7f800000: // NaN
		return sign | 0x7e00
	case bits >= 0x47800000: // 65536 and more, also infinity
		return sign | 0x7c00
	case bits < 0x38800000: // below 2^-14: subnormal, a multiple of 2^-24
		// Adding 0.5 to a number below 2^-14 leaves it rounded to 2^-24 in the
		// low bits of the sum's mantissa, by the hardware's own ties-to-even.
		sum := math.Float32bits(math.Float32frombits(bits) + 0.5)
		return sign | uint16(sum-0x3f000000)
	}
	// Move the exponent's bias from 127 to 15 and drop 13 bits of mantissa. A
	// carry runs into the exponent, up to infinity for 65520 and more.
	odd := bits >> 13 & 1
	return sign | uint16((bits-0x38000000+0xfff+odd)>>13)
}

// fromHalf converts from IEEE 754 binary16; every value has an exact float32.
func fromHalf(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exponent := uint32(h >> 10 & 0x1f)
	mantissa := uint32(h & 0x3ff)
	switch exponent {
	case 0: // zero and subnormal
		value := math.Float32bits(float32(mantissa) / (1 << 24))
		return math.Float32frombits(sign | value)
	case 0x1f: // infinity and NaN
		return math.Float32frombits(sign | 0x7f800000 | mantissa<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | mantissa<<13)
}
