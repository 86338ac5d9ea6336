package pnm

import (
	"context"
	"encoding/binary"
	"image"
	"math"

	"polylens/indexer/decode/raster"
)

// DecodeConfig returns size and colours.
func DecodeConfig(data []byte) (image.Config, error) {
	h, err := readHeader(data)
	if err != nil {
		return image.Config{}, err
	}
	return raster.ConfigOf(h.width, h.height, h.channels), nil
}

// Decode returns a *image.Gray for one channel, else a *image.NRGBA. With a
// *raster.Incomplete comes what could be read.
func Decode(ctx context.Context, data []byte) (image.Image, error) {
	h, err := readHeader(data)
	if err != nil {
		return nil, err
	}
	m, to := raster.New(h.width, h.height, h.channels)
	row, upwards := make([]byte, h.width*h.channels), h.scale != 0
	for i := range h.height {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !h.row(row) {
			return m, raster.Cut(i, h.height, upwards)
		}
		y := i
		if upwards {
			y = h.height - 1 - i
		}
		to(y, row)
	}
	return m, nil
}

// row reads a row of samples of 8 bits. It returns false where they end.
func (h *header) row(row []byte) bool {
	switch h.kind {
	case '1':
		return h.digits(row)
	case '2', '3':
		return h.numbers(row)
	case '4':
		return h.bits(row)
	case 'f', 'F':
		return h.floats(row)
	}
	return h.bytes(row)
}

// digits reads zeros and ones, which space may separate; 1 is black.
func (h *header) digits(row []byte) bool {
	for i := 0; i < len(row); {
		if len(h.samples) == 0 {
			return false
		}
		switch b := h.samples[0]; b {
		case '0', '1':
			row[i] = ('1' - b) * 255
			i++
		case '#':
			h.comment()
			continue
		}
		h.samples = h.samples[1:]
	}
	return true
}

func (h *header) numbers(row []byte) bool {
	for i := range row {
		var v int
		if !h.number(&v) {
			return false
		}
		row[i] = raster.Scale(v, h.most)
	}
	return true
}

func (h *header) bits(row []byte) bool {
	bytes := (len(row) + 7) / 8
	if len(h.samples) < bytes {
		return false
	}
	for i := range row {
		row[i] = 255
		if h.samples[i/8]&(0x80>>(i%8)) != 0 {
			row[i] = 0
		}
	}
	h.samples = h.samples[bytes:]
	return true
}

// bytes reads samples of one byte, or of two where they do not fit into one.
func (h *header) bytes(row []byte) bool {
	size := 1
	if h.most > 255 {
		size = 2
	}
	if len(h.samples) < size*len(row) {
		return false
	}
	for i := range row {
		v := int(h.samples[i*size])
		if size == 2 {
			v = int(binary.BigEndian.Uint16(h.samples[2*i:]))
		}
		row[i] = raster.Scale(v, h.most)
	}
	h.samples = h.samples[size*len(row):]
	return true
}

func (h *header) floats(row []byte) bool {
	if len(h.samples) < 4*len(row) {
		return false
	}
	var order binary.ByteOrder = binary.BigEndian
	if h.scale < 0 {
		order = binary.LittleEndian
	}
	for i := range row {
		v := float64(math.Float32frombits(order.Uint32(h.samples[4*i:])))
		row[i] = byte(max(0, min(v, 1))*255 + 0.5)
		if math.IsNaN(v) {
			row[i] = 0
		}
	}
	h.samples = h.samples[4*len(row):]
	return true
}
