package color

import "math"

// full is the value of a whole sample, and perPixel how many samples there are of each
// pixel: grey three times or R, G and B, then alpha, or C, M, Y and K.
const (
	full     = math.MaxUint16
	perPixel = 4
)

// table is a formula made fast.
type table interface {
	// row writes R, G, B and alpha of as many pixels as dst holds. Alpha is that of
	// the samples, unless they are CMYK.
	row(dst []byte, samples []uint16)
}

// shallow and deep are how many values of a sample are told apart: all that 8 bits
// have, and of 16 bits as many as make a difference in 8, even where they are light.
const (
	shallow = 1 << 8
	deep    = 1 << 12
)

// level finds the nearest of so many values.
func level(sample uint16, levels uint32) uint32 {
	return (uint32(sample)*(levels-1) + 1<<15) >> 16
}

// newTable makes the table for a formula.
func newTable(f formula, levels int) table {
	switch {
	case f.channels == 1:
		return newCurve(f, levels)
	case f.independent:
		if t := newAdditive(f, levels); t != nil {
			return t
		}
	}
	return newGrid(f)
}

// eightBits rounds a sample of sRGB. What is not a number is black.
func eightBits(v float64) byte {
	if !(v > 0) {
		return 0
	}
	return byte(min(v*255+0.5, 255))
}

// curve is the table for grey.
type curve struct{ colors [][3]byte }

func newCurve(f formula, levels int) curve {
	c := curve{make([][3]byte, levels)}
	for i := range c.colors {
		for channel, v := range f.convert([]float64{float64(i) / float64(levels-1)}) {
			c.colors[i][channel] = eightBits(v)
		}
	}
	return c
}

func (c curve) row(dst []byte, samples []uint16) {
	levels := uint32(len(c.colors))
	for ; len(dst) >= 4; dst, samples = dst[4:], samples[perPixel:] {
		rgb := &c.colors[level(samples[0], levels)]
		dst[0], dst[1], dst[2], dst[3] = rgb[0], rgb[1], rgb[2], byte(samples[3]>>8)
	}
}
