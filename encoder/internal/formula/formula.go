// Package formula computes the weights, pixels and pictures that
// encoder/testdata/formula.py computes, bit for bit, so that reference files
// need to hold outputs alone. It serves tests.
package formula

import (
	"hash/fnv"
	"image"
	"math"
	"strings"
)

// Integers returns count 64-bit integers: splitmix64 started at the FNV-1a
// hash of name.
func Integers(name string, count int) []uint64 {
	hash := fnv.New64a()
	hash.Write([]byte(name))
	start := hash.Sum64()
	numbers := make([]uint64, count)
	for i := range numbers {
		z := start + uint64(i+1)*0x9E3779B97F4A7C15
		z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
		z = (z ^ (z >> 27)) * 0x94D049BB133111EB
		numbers[i] = z ^ (z >> 31)
	}
	return numbers
}

// Uniform returns float32 numbers within spread/2 of centre.
func Uniform(name string, count int, centre, spread float32) []float32 {
	values := make([]float32, count)
	for i, number := range Integers(name, count) {
		unit := float32(number>>40)*(1.0/(1<<24)) - 0.5
		values[i] = float32(unit*spread) + centre // the conversion forbids a fused multiply-add
	}
	return values
}

// Weight returns the values of a named parameter.
func Weight(name string, shape []int64) []float32 {
	count, fanIn := 1, 1
	for i, dim := range shape {
		count *= int(dim)
		if i > 0 {
			fanIn *= int(dim)
		}
	}
	switch {
	case len(shape) == 1 && strings.Contains(name, "norm") && strings.HasSuffix(name, "weight"):
		return Uniform(name, count, 1, 1)
	case len(shape) == 1 && strings.Contains(name, "norm"):
		return Uniform(name, count, 0, 1)
	case len(shape) == 1:
		return Uniform(name, count, 0, 0.4)
	case strings.Contains(name, "token_embedding"), strings.Contains(name, "position_embedding"), strings.HasSuffix(name, "probe"):
		return Uniform(name, count, 0, 2)
	default:
		return Uniform(name, count, 0, float32(2*math.Sqrt(3/float64(fanIn))))
	}
}

// Picture returns an RGB picture with slopes, edges and noise.
func Picture(name string, width, height int) image.Image {
	noise := Integers(name, height*width*3)
	picture := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			base := []int{x * 255 / max(width-1, 1), y * 255 / max(height-1, 1), (x/5 + y/7) % 2 * 180}
			at := picture.PixOffset(x, y)
			for c := range 3 {
				value := base[c] + int(noise[(y*width+x)*3+c]>>58) - 32
				picture.Pix[at+c] = uint8(min(max(value, 0), 255))
			}
			picture.Pix[at+3] = 255
		}
	}
	return picture
}
