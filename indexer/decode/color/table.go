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
		return newAdditive(f, levels)
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

// additive is the table for RGB whose channels are independent: what each value of each
// channel adds to the light of red, green and blue of sRGB.
type additive struct {
	levels uint32
	parts  [3][][3]int32
}

const (
	whole      = 1 << 20 // light of 1 in parts
	lightShift = 6       // to the index of encodings
)

// encodings are the samples of light.
var encodings = func() (table [whole>>lightShift + 1]byte) {
	for i := range table {
		table[i] = eightBits(encoded([3]float64{float64(i) / (whole >> lightShift)})[0])
	}
	return table
}()

func newAdditive(f formula, levels int) *additive {
	t := &additive{levels: uint32(levels)}
	black := lightOf(f, 0, 0)
	for channel := range t.parts {
		t.parts[channel] = make([][3]int32, levels)
		for i := range t.parts[channel] {
			light := lightOf(f, channel, float64(i)/float64(levels-1))
			for c := range light {
				if channel > 0 {
					light[c] -= black[c]
				}
				const most = 100 // such that sums do not overflow
				t.parts[channel][i][c] = int32(math.Round(whole * max(-most, min(light[c], most))))
			}
		}
	}
	return t
}

// lightOf is what one channel alone makes.
func lightOf(f formula, channel int, v float64) [3]float64 {
	samples := make([]float64, 3)
	samples[channel] = v
	return each(decoded)(f.convert(samples))
}

func (t *additive) row(dst []byte, samples []uint16) {
	red, green, blue := t.parts[0], t.parts[1], t.parts[2]
	const half = 1 << (lightShift - 1)
	for ; len(dst) >= 4; dst, samples = dst[4:], samples[perPixel:] {
		r, g, b := &red[level(samples[0], t.levels)], &green[level(samples[1], t.levels)], &blue[level(samples[2], t.levels)]
		dst[0] = encodings[min(max(r[0]+g[0]+b[0]+half, 0), whole)>>lightShift]
		dst[1] = encodings[min(max(r[1]+g[1]+b[1]+half, 0), whole)>>lightShift]
		dst[2] = encodings[min(max(r[2]+g[2]+b[2]+half, 0), whole)>>lightShift]
		dst[3] = byte(samples[3] >> 8)
	}
}
