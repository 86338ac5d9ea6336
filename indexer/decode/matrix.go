package decode

import (
	"image"

	"polylens/indexer/decode/isobmff"
)

// fromHEIC converts YCbCr with the matrix and the range of the container to what
// image.YCbCr stands for, BT.601 of full range, or to RGB where it cannot.
func fromHEIC(m *image.YCbCr, p isobmff.Picture) image.Image {
	if p.Limited {
		stretch(m.Y, 16, 219, 0)
		stretch(m.Cb, 128, 224, 128)
		stretch(m.Cr, 128, 224, 128)
	}
	matrix := matrices[p.Matrix]
	if matrix == nil {
		return m
	}
	out := image.NewNRGBA(image.Rect(0, 0, m.Rect.Dx(), m.Rect.Dy()))
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			chroma := m.COffset(x, y)
			d := out.Pix[out.PixOffset(x, y):][:4]
			d[0], d[1], d[2] = matrix(m.Y[m.YOffset(x, y)], m.Cb[chroma], m.Cr[chroma])
			d[3] = 255
		}
	}
	return out
}

// stretch maps a range of values, which begins or is centred at from, to all.
func stretch(plane []byte, from, width, to int) {
	var table [256]byte
	for v := range table {
		table[v] = clamp(float64((v-from)*255)/float64(width) + float64(to))
	}
	for i, v := range plane {
		plane[i] = table[v]
	}
}

func clamp(v float64) byte { return byte(min(max(v+0.5, 0), 255)) }

// weights are those of red and blue in luma (ITU-T H.273, table 4).
type weights struct{ red, blue float64 }

// matrices are those that differ from BT.601, by matrix coefficients.
var matrices = map[int]func(y, cb, cr byte) (r, g, b byte){
	0:  func(y, cb, cr byte) (r, g, b byte) { return cr, y, cb },
	1:  weights{0.2126, 0.0722}.rgb, // BT.709
	4:  weights{0.30, 0.11}.rgb,
	7:  weights{0.212, 0.087}.rgb,
	8:  fromYCgCo,
	9:  weights{0.2627, 0.0593}.rgb, // BT.2020
	10: weights{0.2627, 0.0593}.rgb,
}

// fromYCgCo is equations 79 to 81 of H.273.
func fromYCgCo(luma, green, orange byte) (r, g, b byte) {
	y, cg, co := float64(luma), float64(green)-128, float64(orange)-128
	return clamp(y - cg + co), clamp(y + cg), clamp(y - cg - co)
}

func (k weights) rgb(luma, blue, red byte) (r, g, b byte) {
	y, cb, cr := float64(luma), float64(blue)-128, float64(red)-128
	green := 1 - k.red - k.blue
	return clamp(y + 2*(1-k.red)*cr),
		clamp(y - 2*(k.blue*(1-k.blue)*cb+k.red*(1-k.red)*cr)/green),
		clamp(y + 2*(1-k.blue)*cb)
}
