package tiff

import "image"

// interleaveYCbCr brings chroma to the size of luma as libjpeg does by default: between
// the samples of halved sides it goes over from one to the next ("triangle filter"), other
// ratios repeat samples.
func interleaveYCbCr(out []byte, m *image.YCbCr) {
	size := m.Rect.Size()
	copyPlane(out, m.Y, m.YStride, size, 1, 3, 0)
	across, down := 1, 1
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio422:
		across = 2
	case image.YCbCrSubsampleRatio420:
		across, down = 2, 2
	case image.YCbCrSubsampleRatio440:
		down = 2
	case image.YCbCrSubsampleRatio411:
		across = 4
	case image.YCbCrSubsampleRatio410:
		across, down = 4, 2
	}
	width, height := ceilDiv(size.X, across), ceilDiv(size.Y, down)
	for i, pix := range [2][]byte{m.Cb, m.Cr} {
		c := chroma{pix, m.CStride, width, height, across, down}
		c.upsample(out, size, 1+i)
	}
}

// chroma is a plane with one sample for across x down pixels.
type chroma struct {
	pix                   []byte
	stride, width, height int
	across, down          int
}

// upsample writes every third byte of out, from the first on.
func (c chroma) upsample(out []byte, size image.Point, first int) {
	sums := make([]int, c.width)
	at := first
	for y := range size.Y {
		weight := c.sumRows(sums, y)
		for x := range size.X {
			out[at] = c.between(sums, weight, x, y)
			at += 3
		}
	}
}

// smooth reports whether libjpeg would smooth, which it does not for very narrow pictures.
func (c chroma) smooth() bool { return c.across <= 2 && c.down <= 2 && (c.across == 1 || c.width > 2) }

// sumRows weighs the two rows of samples closest to a row of pixels: three times the one,
// once the other. weight is the sum of the weights.
func (c chroma) sumRows(sums []int, y int) (weight int) {
	near := c.pix[y/c.down*c.stride:][:c.width]
	if c.down == 1 || !c.smooth() {
		for i, v := range near {
			sums[i] = int(v)
		}
		return 1
	}
	far := c.pix[min(max(y/2-1+y%2*2, 0), c.height-1)*c.stride:][:c.width]
	for i, v := range near {
		sums[i] = 3*int(v) + int(far[i])
	}
	return 4
}

// between weighs the two samples closest to a pixel the same way. The rounding is libjpeg's.
func (c chroma) between(sums []int, weight, x, y int) byte {
	i := x / c.across
	switch {
	case c.across != 2 || !c.smooth():
		if weight == 1 {
			return byte(sums[i])
		}
		return byte((sums[i] + 1 + y%2) >> 2)
	case weight == 1:
		other := min(max(i-1+x%2*2, 0), c.width-1)
		return byte((3*sums[i] + sums[other] + 1 + x%2) >> 2)
	}
	other := min(max(i-1+x%2*2, 0), c.width-1)
	return byte((3*sums[i] + sums[other] + 8 - x%2) >> 4)
}
