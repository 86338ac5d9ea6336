package preprocess

import "image"

// ycbcrReader converts rows of a JPEG as libjpeg-turbo does, which Pillow
// decodes with: subsampled chroma is interpolated ("fancy upsampling",
// jdsample.c) where image/color repeats it, and the colour conversion rounds
// as jdcolor.c.
type ycbcrReader struct {
	*image.YCbCr
	width, chromaWidth, chromaHeight int
	across, down                     bool // chroma has half the width, half the height
	cb, cr                           []byte
	sums                             []int
}

func newYCbCrReader(m *image.YCbCr) *ycbcrReader {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	r := &ycbcrReader{YCbCr: m, width: w, chromaWidth: w, chromaHeight: h, cb: make([]byte, w+1), cr: make([]byte, w+1)}
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
	r.sums = make([]int, r.chromaWidth)
	return r
}

// interpolates reports whether libjpeg-turbo would: the ratio is one of its
// three, and the picture is not a few pixels wide. A part of a picture must
// begin where a chroma sample begins.
func (r *ycbcrReader) interpolates() bool {
	at := r.Rect.Min
	return (r.across || r.down) && (!r.across || at.X%2 == 0 && r.chromaWidth > 2) && (!r.down || at.Y%2 == 0)
}

// read writes row y, counted from the top, as RGB bytes.
func (r *ycbcrReader) read(dst []byte, y int) {
	at := r.Rect.Min
	if r.interpolates() {
		r.interpolate(r.cb, r.Cb, y)
		r.interpolate(r.cr, r.Cr, y)
	} else {
		for x := range r.width {
			c := r.COffset(at.X+x, at.Y+y)
			r.cb[x], r.cr[x] = r.Cb[c], r.Cr[c]
		}
	}
	luma := r.Y[r.YOffset(at.X, at.Y+y):][:r.width]
	for x, l := range luma {
		d := dst[3*x : 3*x+3 : 3*x+3]
		cb, cr, l := int32(r.cb[x])-128, int32(r.cr[x])-128, int32(l)
		const oneHalf = 1 << 15
		d[0] = byte(min(max(l+(91881*cr+oneHalf)>>16, 0), 255))
		d[1] = byte(min(max(l+(oneHalf-22554*cb-46802*cr)>>16, 0), 255))
		d[2] = byte(min(max(l+(116130*cb+oneHalf)>>16, 0), 255))
	}
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
		copyAcross(out, row(y))
		return
	}
	near, far := row(y/2), row(y/2-1+y%2*2)
	if !r.across {
		bias := 1 + y%2
		for x := range near {
			out[x] = byte((3*int(near[x]) + int(far[x]) + bias) >> 2)
		}
		return
	}
	for x := range near {
		r.sums[x] = 3*int(near[x]) + int(far[x])
	}
	copyBoth(out, r.sums)
}

// copyAcross is h2v1_fancy_upsample.
func copyAcross(out, in []byte) {
	last := len(in) - 1
	for i, v := range in {
		left, right := in[max(i-1, 0)], in[min(i+1, last)]
		out[2*i] = byte((3*int(v) + int(left) + 1) >> 2)
		if 2*i+1 < len(out) {
			out[2*i+1] = byte((3*int(v) + int(right) + 2) >> 2)
		}
	}
}

// copyBoth is the second half of h2v2_fancy_upsample; sums are of two rows.
func copyBoth(out []byte, sums []int) {
	last := len(sums) - 1
	for i, v := range sums {
		left, right := sums[max(i-1, 0)], sums[min(i+1, last)]
		out[2*i] = byte((3*v + left + 8) >> 4)
		if 2*i+1 < len(out) {
			out[2*i+1] = byte((3*v + right + 7) >> 4)
		}
	}
}
