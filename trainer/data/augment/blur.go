package augment

import (
	"image"
	"math"
)

// blurBits is the precision of the weights of a blur.
const blurBits = 16

// blur is a Gaussian with sigma in pixels; the border repeats outside.
func blur(canvas *image.RGBA, sigma float64) {
	kernel := gaussian(sigma)
	if len(kernel) == 1 {
		return
	}
	width, height := canvas.Rect.Dx(), canvas.Rect.Dy()
	line := make([]byte, 4*max(width, height))
	for y := range height {
		blurLine(canvas.Pix[y*canvas.Stride:], 4, width, kernel, line)
	}
	for x := range width {
		blurLine(canvas.Pix[4*x:], canvas.Stride, height, kernel, line)
	}
}

// gaussian gives 2*ceil(3*sigma)+1 weights, whose sum is 1 << blurBits.
func gaussian(sigma float64) []uint32 {
	radius := int(math.Ceil(3 * sigma))
	weights, sum := make([]float64, 2*radius+1), 0.0
	for i := range weights {
		distance := float64(i - radius)
		weights[i] = 1
		if sigma > 0 {
			weights[i] = math.Exp(-distance * distance / (2 * sigma * sigma))
		}
		sum += weights[i]
	}
	kernel, left := make([]uint32, len(weights)), uint32(1<<blurBits)
	for i, w := range weights {
		kernel[i] = uint32(math.Round(w / sum * (1 << blurBits)))
		left -= kernel[i] // modulo 2^32
	}
	kernel[radius] += left
	return kernel
}

// blurLine blurs count pixels that lie so many bytes apart. line has room for
// them.
func blurLine(pix []byte, apart, count int, kernel []uint32, line []byte) {
	for i := range count {
		copy(line[4*i:4*i+4], pix[i*apart:])
	}
	radius := len(kernel) / 2
	for i := range count {
		var r, g, b uint32 = 1 << (blurBits - 1), 1 << (blurBits - 1), 1 << (blurBits - 1)
		for k, weight := range kernel {
			p := line[4*min(max(i+k-radius, 0), count-1):][:4]
			r += weight * uint32(p[0])
			g += weight * uint32(p[1])
			b += weight * uint32(p[2])
		}
		out := pix[i*apart:][:3]
		out[0], out[1], out[2] = byte(r>>blurBits), byte(g>>blurBits), byte(b>>blurBits)
	}
}
