package augment

import (
	"image"
	"math"
	"math/rand/v2"
)

// luma are the weights of R, G and B in brightness (ITU-R BT.601).
var luma = [3]float64{0.299, 0.587, 0.114}

// matrix maps colours: each of R, G and B is a sum of all three and, in levels
// from 0 to 255, a constant.
type matrix [3][4]float64

var unchanged = matrix{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}

// then is the matrix that does m first and next after it.
func (m matrix) then(next matrix) matrix {
	var out matrix
	for row := range 3 {
		for column := range 4 {
			for k := range 3 {
				out[row][column] += next[row][k] * m[k][column]
			}
		}
		out[row][3] += next[row][3]
	}
	return out
}

// brightness multiplies by a factor.
func brightness(factor float64) matrix {
	return matrix{{factor, 0, 0, 0}, {0, factor, 0, 0}, {0, 0, factor, 0}}
}

// contrast multiplies the distance from a mean brightness.
func contrast(factor, mean float64) matrix {
	rest := (1 - factor) * mean
	return matrix{{factor, 0, 0, rest}, {0, factor, 0, rest}, {0, 0, factor, rest}}
}

// saturation multiplies the distance from the grey of the same brightness.
func saturation(factor float64) matrix {
	var m matrix
	for row := range 3 {
		for column := range 3 {
			m[row][column] = (1 - factor) * luma[column]
		}
		m[row][row] += factor
	}
	return m
}

// hue turns colours around the axis of greys (Rodrigues' rotation formula), which
// keeps the sum of R, G and B.
func hue(degrees float64) matrix {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	same, next, other := cos+(1-cos)/3, (1-cos)/3-sin/math.Sqrt(3), (1-cos)/3+sin/math.Sqrt(3)
	return matrix{{same, next, other, 0}, {other, same, next, 0}, {next, other, same, 0}}
}

// invert turns levels around.
var invert = matrix{{-1, 0, 0, 255}, {0, -1, 0, 255}, {0, 0, -1, 255}}

// colours chooses a change of colours, if any. mean is asked for only then.
func (o Options) colours(r *rand.Rand, mean func() float64) (m matrix, change bool) {
	m = unchanged
	if chance(r, o.Jitter) {
		factor := func(most float64) float64 { return 1 + around(r, most) }
		light := factor(o.Brightness)
		m = brightness(light).
			then(contrast(factor(o.Contrast), mean()*light)).
			then(saturation(factor(o.Saturation))).
			then(hue(around(r, o.Hue)))
		change = true
	}
	if chance(r, o.Gray) {
		m, change = m.then(saturation(0)), true
	}
	if chance(r, o.Invert) {
		m, change = m.then(invert), true
	}
	return m, change
}

// meanBrightness is that of what is not transparent, in levels of 255.
func meanBrightness(canvas *image.RGBA) float64 {
	var sum [4]uint64
	for i := 0; i < len(canvas.Pix); i += 4 {
		for c, level := range canvas.Pix[i : i+4] {
			sum[c] += uint64(level)
		}
	}
	if sum[3] == 0 {
		return 255
	}
	total := luma[0]*float64(sum[0]) + luma[1]*float64(sum[1]) + luma[2]*float64(sum[2])
	return 255 * total / float64(sum[3])
}

// matrixBits is the precision of a matrix in the loop over pixels.
const matrixBits = 16

// apply changes all pixels. Transparency stays.
func (m matrix) apply(canvas *image.RGBA) {
	var k [3][4]int32
	for row := range m {
		for column, v := range m[row] {
			if column == 3 {
				v /= 255 // premultiplied: times alpha it is the constant
			}
			k[row][column] = int32(math.Round(v * (1 << matrixBits)))
		}
	}
	for i := 0; i < len(canvas.Pix); i += 4 {
		p := canvas.Pix[i : i+4 : i+4]
		r, g, b, a := int32(p[0]), int32(p[1]), int32(p[2]), int32(p[3])
		if a == 0 {
			continue
		}
		for c := range 3 {
			v := (k[c][0]*r + k[c][1]*g + k[c][2]*b + k[c][3]*a + 1<<(matrixBits-1)) >> matrixBits
			p[c] = byte(min(max(v, 0), a))
		}
	}
}
