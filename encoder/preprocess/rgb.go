package preprocess

import (
	"image"
	"image/color"
)

// rowReader returns a function that writes row y of the picture, counted from
// its top, as RGB bytes. Transparency is composited onto white.
func rowReader(img image.Image) func(dst []byte, y int) {
	at := img.Bounds().Min
	switch m := img.(type) {
	case *image.NRGBA:
		return func(dst []byte, y int) { readNRGBA(dst, m.Pix[m.PixOffset(at.X, at.Y+y):]) }
	case *image.RGBA:
		return func(dst []byte, y int) { readRGBA(dst, m.Pix[m.PixOffset(at.X, at.Y+y):]) }
	case *image.YCbCr:
		return newYCbCrReader(m).read
	case *image.Gray:
		return func(dst []byte, y int) { readGray(dst, m.Pix[m.PixOffset(at.X, at.Y+y):]) }
	case *image.Gray16:
		return func(dst []byte, y int) { readGray16(dst, m.Pix[m.PixOffset(at.X, at.Y+y):]) }
	case *image.CMYK:
		return func(dst []byte, y int) { readCMYK(dst, m.Pix[m.PixOffset(at.X, at.Y+y):]) }
	case *image.Paletted:
		table := paletteRGB(m.Palette)
		return func(dst []byte, y int) { readPaletted(dst, m.Pix[m.PixOffset(at.X, at.Y+y):], table) }
	case *image.NRGBA64:
		return func(dst []byte, y int) { readNRGBA64(dst, m.Pix[m.PixOffset(at.X, at.Y+y):]) }
	}
	return func(dst []byte, y int) { readAny(dst, img, at.X, at.Y+y) }
}

// onWhite composites a byte that is not premultiplied onto white. It is
// ImagingAlphaComposite of Pillow for an opaque white background.
func onWhite(v, alpha byte) byte {
	a := uint32(alpha)
	return byte((uint32(v)*a + 255*(255-a) + 127) / 255)
}

func readNRGBA(dst, src []byte) {
	for i, j := 0, 0; i < len(dst); i, j = i+3, j+4 {
		d, s := dst[i:i+3:i+3], src[j:j+4:j+4]
		if a := s[3]; a == 255 {
			d[0], d[1], d[2] = s[0], s[1], s[2]
		} else {
			d[0], d[1], d[2] = onWhite(s[0], a), onWhite(s[1], a), onWhite(s[2], a)
		}
	}
}

// readRGBA reads premultiplied pixels: the white behind them is simply added.
func readRGBA(dst, src []byte) {
	for i, j := 0, 0; i < len(dst); i, j = i+3, j+4 {
		d, s := dst[i:i+3:i+3], src[j:j+4:j+4]
		white := 255 - uint16(s[3])
		for c := range d {
			d[c] = byte(min(uint16(s[c])+white, 255)) // s may be more than its alpha allows
		}
	}
}

func readGray(dst, src []byte) {
	for i := 0; i < len(dst); i += 3 {
		v := src[i/3]
		dst[i], dst[i+1], dst[i+2] = v, v, v
	}
}

// readGray16 clips, as Pillow does: all but the darkest 255 levels are white.
// Who wants to see something scales to eight bits first.
func readGray16(dst, src []byte) {
	for i, j := 0, 0; i < len(dst); i, j = i+3, j+2 {
		v := src[j+1]
		if src[j] != 0 {
			v = 255
		}
		dst[i], dst[i+1], dst[i+2] = v, v, v
	}
}

// readCMYK is cmyk2rgb of Pillow, which rounds differently from image/color.
func readCMYK(dst, src []byte) {
	for i, j := 0, 0; i < len(dst); i, j = i+3, j+4 {
		white := 255 - uint32(src[j+3])
		for c := range 3 {
			t := uint32(src[j+c])*white + 128
			dst[i+c] = byte(white - (t>>8+t)>>8)
		}
	}
}

func readPaletted(dst, src []byte, table *[256][3]byte) {
	for i := 0; i < len(dst); i += 3 {
		copy(dst[i:i+3], table[src[i/3]][:])
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
func readNRGBA64(dst, src []byte) {
	for i, j := 0, 0; i < len(dst); i, j = i+3, j+8 {
		a := src[j+6]
		for c := range 3 {
			dst[i+c] = onWhite(src[j+2*c], a)
		}
	}
}

func readAny(dst []byte, img image.Image, x, y int) {
	for i := 0; i < len(dst); i, x = i+3, x+1 {
		c := colorRGB(img.At(x, y))
		copy(dst[i:i+3], c[:])
	}
}

func colorRGB(c color.Color) [3]byte {
	n, ok := c.(color.NRGBA)
	if !ok {
		n = color.NRGBAModel.Convert(c).(color.NRGBA)
	}
	return [3]byte{onWhite(n.R, n.A), onWhite(n.G, n.A), onWhite(n.B, n.A)}
}
