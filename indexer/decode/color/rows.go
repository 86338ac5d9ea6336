package color

import (
	"image"
	"image/color"
)

// rows reads a picture row by row.
type rows struct {
	channels int // 1 of grey, 3 of RGB, 4 of CMYK
	levels   int // of a sample: shallow or deep
	read     func(samples []uint16, y int)
	// pix and stride are memory that may be written to in the order of reading, four
	// bytes for a pixel; nil is none.
	pix    []byte
	stride int
}

// rowsOf reads any kind of picture except image.Paletted.
func rowsOf(img image.Image) rows {
	at, width := img.Bounds().Min, img.Bounds().Dx()
	switch m := img.(type) {
	case *image.Gray:
		return rows{1, shallow, func(samples []uint16, y int) {
			for _, v := range m.Pix[m.PixOffset(at.X, at.Y+y):][:width] {
				samples = put(samples, wide(v), wide(v), wide(v), full)
			}
		}, nil, 0}
	case *image.Gray16:
		return rows{1, deep, func(samples []uint16, y int) {
			for p := m.Pix[m.PixOffset(at.X, at.Y+y):][:2*width]; len(p) > 0; p = p[2:] {
				v := pair(p)
				samples = put(samples, v, v, v, full)
			}
		}, nil, 0}
	case *image.YCbCr:
		return rows{3, shallow, func(samples []uint16, y int) {
			for x := range width {
				luma, chroma := m.YOffset(at.X+x, at.Y+y), m.COffset(at.X+x, at.Y+y)
				r, g, b := color.YCbCrToRGB(m.Y[luma], m.Cb[chroma], m.Cr[chroma])
				samples = put(samples, wide(r), wide(g), wide(b), full)
			}
		}, nil, 0}
	case *image.NRGBA:
		return fourBytes(3, m.Pix, m.Stride, m.PixOffset(at.X, at.Y), width, false)
	case *image.RGBA:
		return fourBytes(3, m.Pix, m.Stride, m.PixOffset(at.X, at.Y), width, true)
	case *image.CMYK:
		return fourBytes(4, m.Pix, m.Stride, m.PixOffset(at.X, at.Y), width, false)
	case *image.NRGBA64:
		return eightBytes(m.Pix, m.Stride, m.PixOffset(at.X, at.Y), width, false)
	case *image.RGBA64:
		return eightBytes(m.Pix, m.Stride, m.PixOffset(at.X, at.Y), width, true)
	}
	return rows{3, deep, func(samples []uint16, y int) {
		for x := range width {
			c := color.NRGBA64Model.Convert(img.At(at.X+x, at.Y+y)).(color.NRGBA64)
			samples = put(samples, c.R, c.G, c.B, c.A)
		}
	}, nil, 0}
}

func wide(v byte) uint16 { return uint16(v) * 257 }

func pair(p []byte) uint16 { return uint16(p[0])<<8 | uint16(p[1]) }

// put writes a pixel and returns the samples of the next ones.
func put(samples []uint16, a, b, c, d uint16) []uint16 {
	_ = samples[3]
	samples[0], samples[1], samples[2], samples[3] = a, b, c, d
	return samples[perPixel:]
}

func fourBytes(channels int, pix []byte, stride, start, width int, premultiplied bool) rows {
	pix = pix[start:]
	return rows{channels, shallow, func(samples []uint16, y int) {
		for p := pix[y*stride:][:4*width]; len(p) > 0; p, samples = p[4:], samples[perPixel:] {
			put(samples, wide(p[0]), wide(p[1]), wide(p[2]), wide(p[3]))
			if premultiplied && p[3] != 255 {
				divide(samples)
			}
		}
	}, pix, stride}
}

func eightBytes(pix []byte, stride, start, width int, premultiplied bool) rows {
	pix = pix[start:]
	return rows{3, deep, func(samples []uint16, y int) {
		for p := pix[y*stride:][:8*width]; len(p) > 0; p, samples = p[8:], samples[perPixel:] {
			put(samples, pair(p), pair(p[2:]), pair(p[4:]), pair(p[6:]))
			if premultiplied && samples[3] != full {
				divide(samples)
			}
		}
	}, pix, stride}
}

// divide undoes the multiplication with alpha.
func divide(samples []uint16) {
	alpha := uint32(samples[3])
	for c := range samples[:3] {
		if alpha == 0 {
			samples[c] = 0
			continue
		}
		samples[c] = uint16(min((uint32(samples[c])*full+alpha/2)/alpha, full))
	}
}
