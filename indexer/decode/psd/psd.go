package psd

import (
	"context"
	"encoding/binary"
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
	switch {
	case h.mode == cmyk:
		config.ColorModel = color.CMYKModel
	case h.palette != nil:
		config.ColorModel = h.palette
	case h.used() == 1:
		config.ColorModel = color.GrayModel
	}
	return config, nil
}

// Decode returns a *image.Gray, *image.Paletted, *image.NRGBA or *image.CMYK. With a
// *raster.Incomplete comes what could be read.
func Decode(ctx context.Context, data []byte) (image.Image, error) {
	h, err := readHeader(data)
	if err != nil {
		return nil, err
	}
	m, pix, perPixel := h.picture()
	coded := &decoder{header: h, data: h.pixels}
	if h.compression == 1 {
		coded.readLengths()
	}
	row, rows := make([]byte, (h.width*h.bits+7)/8), h.used()*h.height
	var cut error
	for i := range rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !coded.row(row) {
			cut = &raster.Incomplete{Missing: float64(rows-i) / float64(rows)}
			break
		}
		h.set(pix[i%h.height*h.width*perPixel+i/h.height:], row, perPixel)
	}
	if n, ok := m.(*image.NRGBA); ok && h.mode == lab {
		fromLab(n)
	}
	return m, cut
}

// picture returns an empty picture and its bytes.
func (h *header) picture() (m image.Image, pix []byte, perPixel int) {
	bounds := image.Rect(0, 0, h.width, h.height)
	switch {
	case h.mode == cmyk:
		c := image.NewCMYK(bounds)
		return c, c.Pix, 4
	case h.palette != nil:
		p := image.NewPaletted(bounds, h.palette)
		return p, p.Pix, 1
	case h.used() == 1:
		g := image.NewGray(bounds)
		return g, g.Pix, 1
	}
	n := image.NewNRGBA(bounds)
	raster.Opaque(n)
	return n, n.Pix, 4
}

// set sets a channel of a row. Of two bytes the high one counts; a bit that is set is
// black, and the inks of CMYK are stored inverted.
func (h *header) set(to, row []byte, perPixel int) {
	for x := range h.width {
		v := byte(0)
		switch {
		case h.bits == 1:
			v = row[x/8]<<(x%8)>>7 - 1
		case h.mode == cmyk:
			v = 255 - row[x*h.bits/8]
		default:
			v = row[x*h.bits/8]
		}
		to[x*perPixel] = v
	}
}

// decoder reads the rows of one channel after another.
type decoder struct {
	*header
	data    []byte
	lengths []byte // of the rows, where they have run lengths
}

func (d *decoder) lengthSize() int {
	if d.large {
		return 4
	}
	return 2
}

// readLengths passes over those of all channels.
func (d *decoder) readLengths() {
	n := min(d.channels*d.height*d.lengthSize(), len(d.data))
	d.lengths, d.data = d.data[:n], d.data[n:]
}

// row returns false where the data end.
func (d *decoder) row(row []byte) bool {
	if d.compression == 0 {
		if len(d.data) < len(row) {
			return false
		}
		copy(row, d.data)
		d.data = d.data[len(row):]
		return true
	}
	size := d.lengthSize()
	if len(d.lengths) < size {
		return false
	}
	length := int(binary.BigEndian.Uint16(d.lengths))
	if d.large {
		length = int(binary.BigEndian.Uint32(d.lengths))
	}
	d.lengths = d.lengths[size:]
	if len(d.data) < length {
		return false
	}
	unpack(row, d.data[:length])
	d.data = d.data[length:]
	return true
}

// unpack decodes PackBits. What is missing stays black.
func unpack(row, packed []byte) {
	clear(row)
	for len(row) > 0 && len(packed) >= 2 {
		n := int(int8(packed[0]))
		packed = packed[1:]
		switch {
		case n >= 0:
			count := copy(row, packed[:min(n+1, len(packed))])
			row, packed = row[count:], packed[count:]
		case n > -128:
			count := min(1-n, len(row))
			for i := range count {
				row[i] = packed[0]
			}
			row, packed = row[count:], packed[1:]
		}
	}
}
