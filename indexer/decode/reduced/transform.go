package reduced

import "math"

// zigzag has row and column of coefficients in the order of the file (ITU-T
// T.81, figure A.6), as far as the largest reduction needs them.
var zigzag = [...][2]int{
	{0, 0}, {0, 1}, {1, 0}, {2, 0}, {1, 1}, {0, 2}, {0, 3}, {1, 2}, {2, 1}, {3, 0},
	{4, 0}, {3, 1}, {2, 2}, {1, 3}, {0, 4}, {0, 5}, {1, 4}, {2, 3}, {3, 2},
}

// gains are what the functions below leave out of the inverse cosine transforms
// of 1 to 4 points, by frequency.
var gains = [...][]float64{
	1: {1},
	2: {1, 1},
	3: {1, math.Sqrt(3. / 2), math.Sqrt(1. / 2)},
	4: {1, math.Sqrt2 * math.Cos(math.Pi/8), 1, math.Sqrt2 * math.Cos(math.Pi/8)},
}

// precision is how many bits behind the point factors have.
const precision = 10

// half rounds, and moves samples to where they are positive.
const half = 1<<(precision-1) + 128<<precision

// transform makes points x points samples of the lowest coefficients of a block, by
// an inverse cosine transform of that size, as jidctint.c of IJG does. It leaves out
// the highest of them, that of the finest chequered pattern: little of it is left
// when the picture is resampled, and it comes last in the file.
type transform struct {
	points  int
	needed  int                // number of the last coefficient that counts
	factors [len(zigzag)]int32 // of coefficients, in zigzag order
}

// newTransform takes the quantization of a component, in zigzag order.
func newTransform(points int, quantization *[64]int32) transform {
	t := transform{points: points}
	for k, at := range zigzag {
		finest := at[0]+at[1] == 2*(points-1) && k > 0
		if at[0] >= points || at[1] >= points || finest {
			continue
		}
		t.needed = k
		gain := gains[points][at[0]] * gains[points][at[1]]
		t.factors[k] = int32(math.Round(float64(quantization[k]) * gain / 8 * (1 << precision)))
	}
	return t
}

// inverse writes the samples to pixels and the rows below, and makes the
// coefficients zero.
func (t *transform) inverse(c *coefficients, pixels []byte, stride int) {
	switch t.points {
	case 1:
		pixels[0] = sample(c[0]*t.factors[0] + half)
	case 2:
		t.two(c, pixels, stride)
	case 3:
		t.three(c, pixels, stride)
	case 4:
		t.four(c, pixels, stride)
	}
}

func sample(v int32) byte {
	v >>= precision
	if uint32(v) < 256 {
		return byte(v)
	}
	return byte(^(v >> 31)) // 0 or 255
}

func (t *transform) two(c *coefficients, pixels []byte, stride int) {
	f := &t.factors
	mean, across, down := c[0]*f[0]+half, c[1]*f[1], c[2]*f[2]
	c[1], c[2] = 0, 0
	upper, lower := pixels[:2], pixels[stride:stride+2]
	upper[0], upper[1] = sample(mean+across+down), sample(mean-across+down)
	lower[0], lower[1] = sample(mean+across-down), sample(mean-across-down)
}

func (t *transform) three(c *coefficients, pixels []byte, stride int) {
	f := &t.factors
	a0, a1, a2 := threePoints(c[0]*f[0]+half, c[2]*f[2], c[3]*f[3])
	b0, b1, b2 := threePoints(c[1]*f[1], c[4]*f[4], c[8]*f[8])
	c0, c1, c2 := threePoints(c[5]*f[5], c[7]*f[7], 0)
	clear(c[:9])
	write := func(row []byte, a, b, c int32) {
		x, y, z := threePoints(a, b, c)
		row[0], row[1], row[2] = sample(x), sample(y), sample(z)
	}
	write(pixels[:3], a0, b0, c0)
	write(pixels[stride:stride+3], a1, b1, c1)
	write(pixels[2*stride:2*stride+3], a2, b2, c2)
}

// threePoints transforms three coefficients to three points.
func threePoints(a, b, c int32) (x, y, z int32) { return a + b + c, a - 2*c, a - b + c }

func (t *transform) four(c *coefficients, pixels []byte, stride int) {
	f := &t.factors
	a0, a1, a2, a3 := fourPoints(c[0]*f[0]+half, c[2]*f[2], c[3]*f[3], c[9]*f[9])
	b0, b1, b2, b3 := fourPoints(c[1]*f[1], c[4]*f[4], c[8]*f[8], c[11]*f[11])
	c0, c1, c2, c3 := fourPoints(c[5]*f[5], c[7]*f[7], c[12]*f[12], c[18]*f[18])
	d0, d1, d2, d3 := fourPoints(c[6]*f[6], c[13]*f[13], c[17]*f[17], 0)
	clear(c[:19])
	write := func(row []byte, a, b, c, d int32) {
		x, y, z, w := fourPoints(a, b, c, d)
		row[0], row[1], row[2], row[3] = sample(x), sample(y), sample(z), sample(w)
	}
	write(pixels[:4], a0, b0, c0, d0)
	write(pixels[stride:stride+4], a1, b1, c1, d1)
	write(pixels[2*stride:2*stride+4], a2, b2, c2, d2)
	write(pixels[3*stride:3*stride+4], a3, b3, c3, d3)
}

// fourPoints transforms four coefficients to four points.
func fourPoints(a, b, c, d int32) (x, y, z, w int32) {
	const bits, tangent = 10, 424 // of pi/8
	outer, inner := b+d*tangent>>bits, b*tangent>>bits-d
	return a + c + outer, a - c + inner, a - c - inner, a + c - outer
}
