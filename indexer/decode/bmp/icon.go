package bmp

import (
	"context"
	"image"
	"image/color"
	"image/draw"

	"polylens/indexer/decode/raster"
)

// IconConfig returns the size of a bitmap as it stands in an icon: without file header,
// and with a mask below that the height includes.
func IconConfig(data []byte) (image.Config, error) {
	h, err := readIcon(data)
	if err != nil {
		return image.Config{}, err
	}
	return image.Config{ColorModel: color.NRGBAModel, Width: h.width, Height: h.height}, nil
}

func readIcon(data []byte) (*header, error) {
	h, err := readHeader(data, 0)
	if err != nil {
		return nil, err
	}
	h.height = max(1, h.height/2)
	return h, nil
}

// DecodeIcon returns a *image.NRGBA, see IconConfig. Of 32 bits a pixel one channel is
// the transparency, unless it is all zero; else the mask is.
func DecodeIcon(ctx context.Context, data []byte) (image.Image, error) {
	h, err := readIcon(data)
	if err != nil {
		return nil, err
	}
	if h.bits == 32 {
		h.masks[3] = 0xFF000000
	}
	img, cut := h.decode(ctx)
	if img == nil {
		return nil, cut
	}
	m, ok := img.(*image.NRGBA)
	if !ok {
		m = image.NewNRGBA(img.Bounds())
		draw.Draw(m, m.Rect, img, image.Point{}, draw.Src)
	}
	if h.bits != 32 || allClear(m) {
		h.mask(m)
	}
	return m, cut
}

func allClear(m *image.NRGBA) bool {
	for i := 3; i < len(m.Pix); i += 4 {
		if m.Pix[i] != 0 {
			return false
		}
	}
	return true
}

// mask makes a pixel transparent where its bit is set, as far as there are bits.
func (h *header) mask(m *image.NRGBA) {
	start, stride := h.stride()*h.height, (h.width+31)/32*4
	for i := range h.height {
		row := raster.Row(m.Pix, m.Stride, h.line(i))
		bits := h.pixels[min(start+i*stride, len(h.pixels)):]
		for x := range h.width {
			row[4*x+3] = 255
			if x/8 < len(bits) && bits[x/8]&(0x80>>(x%8)) != 0 {
				row[4*x+3] = 0
			}
		}
	}
}
