package preprocess

import (
	"fmt"
	"math"
)

// filter is a resampling filter of Pillow (src/libImaging/Resample.c). The
// zero filter takes the nearest pixel.
type filter struct {
	support float64
	weight  func(x float64) float64
}

// Numbers of filters that files also name.
const (
	bilinear = 2
	bicubic  = 3
)

// filterByCode returns the filter with the number that PIL.Image.Resampling
// gives it.
func filterByCode(code int) (filter, error) {
	filters := []filter{
		{},            // NEAREST
		{3, lanczos},  // LANCZOS
		{1, triangle}, // BILINEAR
		{2, cubic},    // BICUBIC
		{0.5, box},    // BOX
		{1, hamming},  // HAMMING
	}
	if code < 0 || code >= len(filters) {
		return filter{}, fmt.Errorf("resample is %d; want 0 to %d (2 is bilinear, 3 bicubic)", code, len(filters)-1)
	}
	return filters[code], nil
}

func box(x float64) float64 {
	if x > -0.5 && x <= 0.5 {
		return 1
	}
	return 0
}

func triangle(x float64) float64 {
	return max(0, 1-math.Abs(x))
}

// cubic is the Catmull-Rom spline (a = -0.5). The conversions keep a compiler
// from fusing multiplication and addition, which would round differently.
func cubic(x float64) float64 {
	const a = -0.5
	x = math.Abs(x)
	switch {
	case x < 1:
		y := float64((a+2)*x) - (a + 3)
		return float64(float64(y*x)*x) + 1
	case x < 2:
		y := float64((x-5)*x) + 8
		return (float64(y*x) - 4) * a
	}
	return 0
}

func lanczos(x float64) float64 {
	if x < -3 || x >= 3 {
		return 0
	}
	return sinc(x) * sinc(x/3)
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	x *= math.Pi
	return math.Sin(x) / x
}

func hamming(x float64) float64 {
	x = math.Abs(x)
	if x == 0 {
		return 1
	}
	if x >= 1 {
		return 0
	}
	x *= math.Pi
	return math.Sin(x) / x * (float64(float32(0.54)) + float64(float64(float32(0.46))*math.Cos(x)))
}

// precision is PRECISION_BITS of Pillow: weights are integers of this scale.
const precision = 32 - 8 - 2

// weights says of which input pixels an output pixel is made: from first on,
// in these proportions. They add up to 1<<precision but for rounding.
type weights struct {
	first int
	k     []int32
}

// last is the last input pixel that counts.
func (w weights) last() int { return w.first + len(w.k) - 1 }

// resample returns the weights of each output pixel along one axis
// (precompute_coeffs and normalize_coeffs_8bpc of Pillow).
func (f filter) resample(in, out int) []weights {
	if f.weight == nil {
		return nearest(in, out)
	}
	scale := float64(in) / float64(out)
	stretch := max(scale, 1)
	support := float64(f.support * stretch) // the conversion forbids fusing, as in cubic
	list := make([]weights, out)
	all := make([]int32, 0, out*(2*int(math.Ceil(support))+1))
	var k []float64
	for i := range list {
		center := float64((float64(i) + 0.5) * scale)
		first := max(int(center-support+0.5), 0)
		last := min(int(center+support+0.5), in)
		sum := 0.0
		k = k[:0]
		for x := first; x < last; x++ {
			w := f.weight((float64(x) - center + 0.5) * (1 / stretch))
			k = append(k, w)
			sum += w
		}
		all = appendFixed(all, k, sum)
		list[i] = weights{first, all[len(all)-len(k):]}
	}
	return list
}

// appendFixed scales the weights to the sum one and rounds half away from zero.
func appendFixed(all []int32, k []float64, sum float64) []int32 {
	for _, w := range k {
		if sum != 0 {
			w /= sum
		}
		all = append(all, int32(math.Copysign(0.5, w)+float64(w*(1<<precision))))
	}
	return all
}

// nearest adds up steps instead of multiplying, as ImagingScaleAffine does.
func nearest(in, out int) []weights {
	list, one := make([]weights, out), []int32{1 << precision}
	step := float64(in) / float64(out)
	at := float64(step * 0.5)
	for i := range list {
		list[i] = weights{min(int(at), in-1), one}
		at += step
	}
	return list
}
