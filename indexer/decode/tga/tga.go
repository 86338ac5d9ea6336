package tga

import (
	"context"
	"image"
	"image/color"

	"polylens/indexer/decode/raster"
)

// DecodeConfig returns size and colours.
func DecodeConfig(data []byte) (image.Config, error) {
	h, err := readHeader(data)
	if err != nil {
		return image.Config{}, err
	}
	config := image.Config{ColorModel: color.NRGBAModel, Width: h.width, Height: h.height}
	if h.kind == paletted {
		config.ColorModel = h.palette
	}
	return config, nil
}

// Decode returns a *image.Paletted, *image.Gray or *image.NRGBA. With a
// *raster.Incomplete comes what could be read.
func Decode(ctx context.Context, data []byte) (image.Image, error) {
	h, err := readHeader(data)
	if err != nil {
		return nil, err
	}
	m, set := h.picture()
	d := decoder{header: h, data: h.pixels}
	row := make([]byte, h.width*h.bytes())
	for i := range h.height {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !d.row(row) {
			return m, raster.Cut(i, h.height, !h.downwards)
		}
		y := i
		if !h.downwards {
			y = h.height - 1 - i
		}
		for x := range h.width {
			column := x
			if h.leftwards {
				column = h.width - 1 - x
			}
			set(column, y, row[x*h.bytes():])
		}
	}
	if n, ok := m.(*image.NRGBA); ok && h.bits == 32 && h.alphaBits == 0 {
		opaqueIfClear(n)
	}
	return m, nil
}

// picture returns an empty picture and what sets a pixel of it.
func (h *header) picture() (m image.Image, set func(x, y int, pixel []byte)) {
	bounds := image.Rect(0, 0, h.width, h.height)
	switch {
	case h.kind == paletted:
		p := image.NewPaletted(bounds, h.palette)
		return p, func(x, y int, pixel []byte) { p.Pix[y*p.Stride+x] = pixel[0] }
	case h.kind == grayscale && h.bits == 8:
		g := image.NewGray(bounds)
		return g, func(x, y int, pixel []byte) { g.Pix[y*g.Stride+x] = pixel[0] }
	}
	n := image.NewNRGBA(bounds)
	if h.kind == grayscale {
		return n, func(x, y int, pixel []byte) { n.SetNRGBA(x, y, color.NRGBA{pixel[0], pixel[0], pixel[0], pixel[1]}) }
	}
	if h.bits != 32 {
		raster.Opaque(n)
	}
	return n, func(x, y int, pixel []byte) { n.SetNRGBA(x, y, colorOf(pixel, h.bits)) }
}

func opaqueIfClear(m *image.NRGBA) {
	for i := 3; i < len(m.Pix); i += 4 {
		if m.Pix[i] != 0 {
			return
		}
	}
	raster.Opaque(m)
}

// decoder reads pixels as they are stored. Runs may go on in the next row.
type decoder struct {
	*header
	data   []byte
	left   int // pixels of the packet
	repeat bool
	pixel  []byte // that is repeated
}

// row returns false where the data end.
func (d *decoder) row(row []byte) bool {
	size := d.bytes()
	if !d.runs {
		if len(d.data) < len(row) {
			return false
		}
		copy(row, d.data)
		d.data = d.data[len(row):]
		return true
	}
	for ; len(row) > 0; row = row[size:] {
		if d.left == 0 && !d.packet() {
			return false
		}
		d.left--
		if !d.repeat {
			if len(d.data) < size {
				return false
			}
			d.pixel, d.data = d.data[:size], d.data[size:]
		}
		copy(row, d.pixel)
	}
	return true
}

func (d *decoder) packet() bool {
	if len(d.data) < 1+d.bytes() {
		return false
	}
	head := d.data[0]
	d.left, d.repeat, d.data = int(head&127)+1, head&128 != 0, d.data[1:]
	if d.repeat {
		d.pixel, d.data = d.data[:d.bytes()], d.data[d.bytes():]
	}
	return true
}
