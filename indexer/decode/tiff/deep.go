package tiff

import (
	"math"
	"slices"
)

// unpackDeep makes floating point of the first n samples of a row.
func (d *decoder) unpackDeep(row []byte, n int) []float32 {
	d.deepRow = slices.Grow(d.deepRow[:0], n)[:n]
	for i := range d.deepRow {
		v := d.wholeNumber(row, i)
		switch {
		case d.format == signedInteger:
			d.deepRow[i] = float32(int64(v<<(64-d.bits)) >> (64 - d.bits))
		case d.format == unsignedInteger:
			d.deepRow[i] = float32(v)
		case d.bits == 16:
			d.deepRow[i] = smallFloat(uint32(v), 5, 10)
		case d.bits == 24:
			d.deepRow[i] = smallFloat(uint32(v), 7, 16)
		case d.bits == 32:
			d.deepRow[i] = math.Float32frombits(uint32(v))
		default:
			d.deepRow[i] = float32(math.Float64frombits(v))
		}
	}
	return d.deepRow
}

// smallFloat reads a floating-point number of a sign and so many bits, built like those of
// IEEE 754.
func smallFloat(v uint32, exponentBits, mantissaBits int) float32 {
	mantissa := float64(v & (1<<mantissaBits - 1))
	exponent := int(v>>mantissaBits) & (1<<exponentBits - 1)
	bias, most := 1<<(exponentBits-1)-1, 1<<exponentBits-1
	var out float64
	switch {
	case exponent == most && mantissa != 0:
		out = math.NaN()
	case exponent == most:
		out = math.Inf(1)
	case exponent == 0:
		out = math.Ldexp(mantissa, 1-bias-mantissaBits)
	default:
		out = math.Ldexp(mantissa+float64(uint32(1)<<mantissaBits), exponent-bias-mantissaBits)
	}
	if v>>(exponentBits+mantissaBits)&1 == 1 {
		out = -out
	}
	return float32(out)
}

// rescale makes whole numbers of deep samples.
func rescale[T byte | uint16](d *decoder, points []float32) []T {
	white := d.white(points)
	alphaWhite := float32(1)
	if d.format != floatingPoint {
		alphaWhite = d.greatest()
	}
	out := make([]T, len(points))
	for i, v := range points {
		if d.canvas.channels == 4 && i%4 == 3 {
			out[i] = scaled[T](v, alphaWhite)
		} else {
			out[i] = scaled[T](v, white)
		}
	}
	return out
}

// scaled cuts off fractions where Pillow does.
func scaled[T byte | uint16](v, white float32) T {
	most := float32(^T(0))
	if white != most {
		v = v/white*most + 0.5
	}
	if !(v > 0) { // also what is no number
		return 0
	}
	return T(min(v, most))
}

// greatest is the greatest whole number of a sample.
func (p *page) greatest() float32 {
	size := p.bits
	if p.format == signedInteger {
		size--
	}
	return float32(math.Ldexp(1, size)) - 1
}

// white decides which number is white, for files do not say: 1 for fractions, then 255, as
// Pillow has it, where nothing is greater. Beyond that it is, of floating point, the
// greatest there is; of whole numbers the greatest of 16 bits or, at last, of the type.
func (d *decoder) white(points []float32) float32 {
	const most8, most16 = 255, 65535
	var greatest float32
	for i, v := range points {
		if v > greatest && v <= math.MaxFloat32 && (d.canvas.channels == 1 || i%4 != 3) {
			greatest = v
		}
	}
	switch isFraction := d.format == floatingPoint; {
	case isFraction && (greatest <= 1 || d.photometric == rgb):
		return 1
	case greatest <= most8:
		return most8
	case isFraction:
		return greatest
	case greatest <= most16:
		return most16
	}
	return d.greatest()
}
