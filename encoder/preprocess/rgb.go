package preprocess

import (
	"image"
	"image/color"
)

// rowReader returns a function that writes row y of the picture, counted from
// its top. Transparency is composited onto white.
func rowReader(img image.Image, on path) func(dst planes, y int) {
	at, width := img.Bounds().Min, img.Bounds().Dx()
	switch m := img.(type) {
	case *image.NRGBA:
		return func(dst planes, y int) { on.nrgba(dst, m.Pix[m.PixOffset(at.X, at.Y+y):][:4*width]) }
	case *image.RGBA:
		return func(dst planes, y int) { on.rgba(dst, m.Pix[m.PixOffset(at.X, at.Y+y):][:4*width]) }
	case *image.YCbCr:
		return newYCbCrReader(m, on).read
	case *image.Gray:
		return func(dst planes, y int) { readGray(dst, m.Pix[m.PixOffset(at.X, at.Y+y):][:width]) }
	case *image.Gray16:
		return func(dst planes, y int) { readGray16(dst, m.Pix[m.PixOffset(at.X, at.Y+y):][:2*width]) }
	case *image.CMYK:
		return func(dst planes, y int) { readCMYK(dst, m.Pix[m.PixOffset(at.X, at.Y+y):][:4*width]) }
	case *image.Paletted:
		table := paletteRGB(m.Palette)
		return func(dst planes, y int) { readPaletted(dst, m.Pix[m.PixOffset(at.X, at.Y+y):][:width], table) }
	case *image.NRGBA64:
		return func(dst planes, y int) { readNRGBA64(dst, m.Pix[m.PixOffset(at.X, at.Y+y):][:8*width]) }
	}
	return func(dst planes, y int) { readAny(dst, img, at.Y+y) }
}

// onWhite composites a byte that is not premultiplied onto white. It is
// ImagingAlphaComposite of Pillow for an opaque white background.
func onWhite(v, alpha byte) byte {
	a := uint32(alpha)
	return byte((uint32(v)*a + 255*(255-a) + 127) / 255)
}

func readGray(dst planes, src []byte) {
	r, g, b := dst.rgb(len(src))
	for i, v := range src {
		r[i] = int16(v)
	}
	copy(g, r)
	copy(b, r)
}

// readGray16 clips, as Pillow does: all but the darkest 255 levels are white. To see
// more than that, scale to eight bits first.
func readGray16(dst planes, src []byte) {
	r, g, b := dst.rgb(len(src) / 2)
	for i := range r {
		r[i] = int16(src[2*i+1])
		if src[2*i] != 0 {
			r[i] = 255
		}
	}
	copy(g, r)
	copy(b, r)
}

// readCMYK is cmyk2rgb of Pillow, which rounds differently from image/color.
func readCMYK(dst planes, src []byte) {
	for c := range 3 {
		out := dst.plane(c, len(src)/4)
		for i := range out {
			white := 255 - uint32(src[4*i+3])
			t := uint32(src[4*i+c])*white + 128
			out[i] = int16(byte(white - (t>>8+t)>>8))
		}
	}
}

func readPaletted(dst planes, src []byte, table *[256][3]byte) {
	for c := range 3 {
		out := dst.plane(c, len(src))
		for i, v := range src {
			out[i] = int16(table[v][c])
		}
	}
}

// paletteRGB leaves black what an index outside the palette would show.
func paletteRGB(p color.Palette) *[256][3]byte {
	var table [256][3]byte
	for i, c := range p[:min(len(p), 256)] {
		table[i] = colorRGB(c)
	}
	return &table
}

// readNRGBA64 keeps the high bytes, as Pillow does.
func readNRGBA64(dst planes, src []byte) {
	for c := range 3 {
		out := dst.plane(c, len(src)/8)
		for i := range out {
			out[i] = int16(onWhite(src[8*i+2*c], src[8*i+6]))
		}
	}
}

func readAny(dst planes, img image.Image, y int) {
	at := img.Bounds()
	r, g, b := dst.rgb(at.Dx())
	for i := range r {
		c := colorRGB(img.At(at.Min.X+i, y))
		r[i], g[i], b[i] = int16(c[0]), int16(c[1]), int16(c[2])
	}
}

func colorRGB(c color.Color) [3]byte {
	n, ok := c.(color.NRGBA)
	if !ok {
		n = color.NRGBAModel.Convert(c).(color.NRGBA)
	}
	return [3]byte{onWhite(n.R, n.A), onWhite(n.G, n.A), onWhite(n.B, n.A)}
}
