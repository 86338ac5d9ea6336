package preprocess

import "image"

// ycbcrReader converts rows of a JPEG as libjpeg-turbo does, which Pillow
// decodes with: subsampled chroma is interpolated ("fancy upsampling",
// jdsample.c) where image/color repeats it, and the colour conversion rounds
// as jdcolor.c.
type ycbcrReader struct {
	*image.YCbCr
	on                               path
	width, chromaWidth, chromaHeight int
	across, down                     bool // chroma has half the width, half the height
	cb, cr                           []byte
	sums                             []int16
}

func newYCbCrReader(m *image.YCbCr, on path) *ycbcrReader {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	r := &ycbcrReader{YCbCr: m, on: on, width: w, chromaWidth: w, chromaHeight: h}
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio420:
		r.across, r.down = true, true
	case image.YCbCrSubsampleRatio422:
		r.across = true
	case image.YCbCrSubsampleRatio440:
		r.down = true
	}
	if r.across {
		r.chromaWidth = (w + 1) / 2
	}
	if r.down {
		r.chromaHeight = (h + 1) / 2
	}
	r.cb, r.cr, r.sums = make([]byte, w+1), make([]byte, w+1), make([]int16, r.chromaWidth)
	return r
}

// interpolates reports whether libjpeg-turbo would: the ratio is one of its
// three, and the picture is not a few pixels wide. A part of a picture must
// begin where a chroma sample begins.
func (r *ycbcrReader) interpolates() bool {
	at := r.Rect.Min
	return (r.across || r.down) && (!r.across || at.X%2 == 0 && r.chromaWidth > 2) && (!r.down || at.Y%2 == 0)
}

// read writes row y, counted from the top.
func (r *ycbcrReader) read(dst planes, y int) {
	at := r.Rect.Min
	luma := r.Y[r.YOffset(at.X, at.Y+y):][:r.width]
	switch {
	case r.SubsampleRatio == image.YCbCrSubsampleRatio444:
		c := r.COffset(at.X, at.Y+y)
		r.on.ycbcr(dst, luma, r.Cb[c:], r.Cr[c:])
		return
	case r.interpolates():
		r.interpolate(r.cb, r.Cb, y)
		r.interpolate(r.cr, r.Cr, y)
	default:
		for x := range r.width {
			c := r.COffset(at.X+x, at.Y+y)
			r.cb[x], r.cr[x] = r.Cb[c], r.Cr[c]
		}
	}
	r.on.ycbcr(dst, luma, r.cb, r.cr)
}

// interpolate writes the row of one chroma plane at full width. The weights
// are 3/4 for the nearer sample and 1/4 for the other, along each halved axis;
// rounding alternates as in jdsample.c.
func (r *ycbcrReader) interpolate(out, plane []byte, y int) {
	origin := r.COffset(r.Rect.Min.X, r.Rect.Min.Y)
	row := func(i int) []byte {
		return plane[origin+min(max(i, 0), r.chromaHeight-1)*r.CStride:][:r.chromaWidth]
	}
	if !r.down {
		r.on.spread(out, row(y))
		return
	}
	near, far := row(y/2), row(y/2-1+y%2*2)
	if r.across {
		r.on.spreadBoth(out, r.sums, near, far)
		return
	}
	bias := 1 + y%2
	for x := range near {
		out[x] = byte((3*int(near[x]) + int(far[x]) + bias) >> 2)
	}
}
