package preprocess

import "image"

// The oracle computes one sample after another, in the plainest way, what the
// kernels compute many at a time.

// raster is interleaved RGB bytes.
type raster struct {
	width, height int
	pix           []byte
}

func newRaster(width, height int) raster {
	return raster{width, height, make([]byte, 3*width*height)}
}

func (r raster) at(x, y, c int) int32 { return int32(r.pix[3*(y*r.width+x)+c]) }

func (r raster) fill(sample func(x, y, c int) byte) raster {
	for i := range r.pix {
		r.pix[i] = sample(i/3%r.width, i/3/r.width, i%3)
	}
	return r
}

// oracleRead reads the types that have kernels.
func oracleRead(img image.Image) raster {
	at, size := img.Bounds().Min, img.Bounds().Size()
	return newRaster(size.X, size.Y).fill(func(x, y, c int) byte {
		switch m := img.(type) {
		case *image.NRGBA:
			p := m.Pix[m.PixOffset(at.X+x, at.Y+y):]
			return onWhite(p[c], p[3])
		case *image.RGBA:
			p := m.Pix[m.PixOffset(at.X+x, at.Y+y):]
			return byte(min(int(p[c])+255-int(p[3]), 255))
		case *image.YCbCr:
			return oracleYCbCr(m, x, y, c)
		}
		panic("no oracle for this type of picture")
	})
}

// oracleYCbCr has the formulas and factors of jdcolor.c.
func oracleYCbCr(m *image.YCbCr, x, y, c int) byte {
	luma := int32(m.Y[m.YOffset(m.Rect.Min.X+x, m.Rect.Min.Y+y)])
	cb, cr := oracleChroma(m, m.Cb, x, y)-128, oracleChroma(m, m.Cr, x, y)-128
	const half = 1 << 15
	v := [3]int32{
		luma + (91881*cr+half)>>16,
		luma + (half-22554*cb-46802*cr)>>16,
		luma + (116130*cb+half)>>16,
	}[c]
	return byte(min(max(v, 0), 255))
}

// oracleChroma has the formulas of jdsample.c, for pictures that begin where a
// chroma sample begins.
func oracleChroma(m *image.YCbCr, plane []byte, x, y int) int32 {
	at, w, h := m.Rect.Min, m.Rect.Dx(), m.Rect.Dy()
	across := m.SubsampleRatio == image.YCbCrSubsampleRatio420 || m.SubsampleRatio == image.YCbCrSubsampleRatio422
	down := m.SubsampleRatio == image.YCbCrSubsampleRatio420 || m.SubsampleRatio == image.YCbCrSubsampleRatio440
	if across && (w+1)/2 <= 2 || !across && !down {
		return int32(plane[m.COffset(at.X+x, at.Y+y)])
	}
	sample := func(i, j int) int32 {
		return int32(plane[m.COffset(at.X, at.Y)+min(max(j, 0), (h+1)/2-1)*m.CStride+min(max(i, 0), (w+1)/2-1)])
	}
	otherX, otherY := x/2-1+x%2*2, y/2-1+y%2*2
	oddX, oddY := int32(x%2), int32(y%2)
	switch {
	case across && down:
		column := func(i int) int32 { return 3*sample(i, y/2) + sample(i, otherY) }
		nearest := min(max(otherX, 0), (w+1)/2-1)
		return (3*column(x/2) + column(nearest) + 8 - oddX) >> 4
	case across:
		return (3*int32(plane[m.COffset(at.X+x, at.Y+y)]) + int32(plane[m.COffset(at.X, at.Y+y)+min(max(otherX, 0), (w+1)/2-1)]) + 1 + oddX) >> 2
	}
	i := m.COffset(at.X+x, at.Y) - m.COffset(at.X, at.Y)
	near := int32(plane[m.COffset(at.X, at.Y)+y/2*m.CStride+i])
	far := int32(plane[m.COffset(at.X, at.Y)+min(max(otherY, 0), (h+1)/2-1)*m.CStride+i])
	return (3*near + far + 1 + oddY) >> 2
}

// oracleResize has the order of passes that Pillow has.
func oracleResize(in raster, width, height int, f filter) raster {
	if lost := in.height - height; lost > 0 && lost > (in.width-width)*2 {
		return oracleAcross(oracleDown(in, height, f), width, f)
	}
	return oracleDown(oracleAcross(in, width, f), height, f)
}

func oracleAcross(in raster, width int, f filter) raster {
	if width == in.width {
		return in
	}
	columns := f.resample(in.width, width)
	return newRaster(width, in.height).fill(func(x, y, c int) byte {
		return columns[x].apply(func(i int) int32 { return in.at(i, y, c) })
	})
}

func oracleDown(in raster, height int, f filter) raster {
	if height == in.height {
		return in
	}
	rows := f.resample(in.height, height)
	return newRaster(in.width, height).fill(func(x, y, c int) byte {
		return rows[y].apply(func(i int) int32 { return in.at(x, i, c) })
	})
}

func (w weights) apply(sample func(i int) int32) byte {
	sum := int32(1 << (precision - 1))
	for i, k := range w.k {
		sum += k * sample(w.first+i)
	}
	return byte(min(max(sum>>precision, 0), 255))
}
