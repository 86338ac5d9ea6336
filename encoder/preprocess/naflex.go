package preprocess

import "math"

// Limits of WithMaxPatches. The models were trained with 128 to 1024 patches
// and do not extrapolate well.
const (
	leastMaxPatches = 64
	mostMaxPatches  = 1024
)

// fitPatches returns the size in pixels of the largest picture of about the
// same aspect ratio that has whole patches of the given side and at most most
// of them. It is get_image_size_for_max_num_patches of transformers, whose
// bisection stops early: a more exact one would choose other grids.
func fitPatches(width, height, side, most int) (int, int) {
	const tolerance = 1e-5
	fit := func(scale float64) (int, int) {
		return wholePatches(float64(width)*scale, side), wholePatches(float64(height)*scale, side)
	}
	low, high := tolerance/10, 100.0
	for high-low >= tolerance {
		middle := (low + high) / 2
		if w, h := fit(middle); w/side*(h/side) <= most {
			low = middle
		} else {
			high = middle
		}
	}
	return fit(low)
}

// wholePatches rounds a length up to patches, of which there is at least one.
func wholePatches(length float64, side int) int {
	return max(side, int(math.Ceil(length/float64(side)))*side)
}

// storePatches writes row y of a picture into its patches: the grid is row by
// row, and so are the pixels in a patch, with the channels of each together.
func (p *Processor) storePatches(dst []float32, row planes, y, width int) {
	side := p.patch
	size := 3 * side * side
	r, g, b := row.rgb(width)
	for left := 0; left < width; left += side {
		patch := y/side*(width/side) + left/side
		out := dst[patch*size+y%side*side*3:][:3*side]
		for x := range side {
			out[3*x] = p.levels[0][byte(r[left+x])]
			out[3*x+1] = p.levels[1][byte(g[left+x])]
			out[3*x+2] = p.levels[2][byte(b[left+x])]
		}
	}
}
