package decode

import "image"

// fromWebP converts the YCbCr of a lossy WebP as libwebp does: ITU-R BT.601 of
// limited range (VP8YUVToR and its siblings in src/dsp/yuv.h), chroma
// interpolated between its four neighbours (src/dsp/upsampling.c). alpha may be
// nil.
func fromWebP(m *image.YCbCr, alpha []byte, alphaStride int) *image.NRGBA {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	chromaW, chromaH := (w+1)/2, (h+1)/2
	row := func(plane []byte, y int) []byte {
		return plane[min(max(y, 0), chromaH-1)*m.CStride:][:chromaW]
	}
	u, v := make([]byte, w), make([]byte, w)
	for y := range h {
		near, far := y/2, y/2-1+y%2*2
		interpolate(u, row(m.Cb, near), row(m.Cb, far))
		interpolate(v, row(m.Cr, near), row(m.Cr, far))
		dst := out.Pix[y*out.Stride:][:4*w]
		for x, luma := range m.Y[y*m.YStride:][:w] {
			d := dst[4*x : 4*x+4 : 4*x+4]
			d[0], d[1], d[2] = limitedRange(int(luma), int(u[x]), int(v[x]))
			d[3] = 255
			if alpha != nil {
				d[3] = alpha[y*alphaStride+x]
			}
		}
	}
	return out
}

// interpolate writes a row of chroma at full width: each value is 9/16 of the
// nearest sample, 3/16 of its two neighbours, 1/16 of the diagonal one, rounded
// in libwebp's order. near and far are the two closest rows.
func interpolate(out, near, far []byte) {
	edge := func(i int) byte { return byte((3*int(near[i]) + int(far[i]) + 2) >> 2) }
	out[0] = edge(0)
	for i := 1; i < len(near); i++ {
		nl, nr, fl, fr := int(near[i-1]), int(near[i]), int(far[i-1]), int(far[i])
		sum := nl + nr + fl + fr + 8
		out[2*i-1] = byte(((sum+2*(nr+fl))>>3 + nl) >> 1)
		if 2*i < len(out) {
			out[2*i] = byte(((sum+2*(nl+fr))>>3 + nr) >> 1)
		}
	}
	if len(out)%2 == 0 {
		out[len(out)-1] = edge(len(near) - 1)
	}
}

func limitedRange(y, u, v int) (r, g, b byte) {
	l := y * 19077 >> 8
	return sixBits(l + v*26149>>8 - 14234),
		sixBits(l - u*6419>>8 - v*13320>>8 + 8708),
		sixBits(l + u*33050>>8 - 17685)
}

// sixBits drops the six bits of fraction.
func sixBits(v int) byte { return byte(min(max(v>>6, 0), 255)) }
