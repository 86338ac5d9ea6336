package sun

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"

	"polylens/indexer/decode/raster"
)

// Types of files.
const withRuns, redFirst, last = 2, 3, 5

// header describes the pixels.
type header struct {
	width, height, bits int
	kind                uint32
	palette             color.Palette // nil for true colour
	pixels              []byte
}

func readHeader(data []byte) (*header, error) {
	r := &raster.Reader{Data: data, Order: binary.BigEndian}
	r.Skip(4)
	h := &header{width: int(r.Uint32()), height: int(r.Uint32()), bits: int(r.Uint32())}
	r.Skip(4) // a length that is not to be trusted
	h.kind = r.Uint32()
	mapped, length := r.Uint32(), r.Uint32()
	if r.Short {
		return nil, errors.New("its header is cut off")
	}
	if h.kind > last {
		return nil, raster.Unsupported(fmt.Sprintf("a Sun raster file of type %d", h.kind))
	}
	return h, h.readPalette(r, mapped, length)
}

// readPalette reads the colours, all reds first. Without them a picture of one bit is
// black on white, one of more bits grey.
func (h *header) readPalette(r *raster.Reader, mapped, length uint32) error {
	const byChannel, most = 1, 3 * 256
	colors := r.Take(int(length))
	h.pixels = r.Data[r.At:]
	switch {
	case h.bits == 24 || h.bits == 32:
		return nil
	case h.bits != 1 && h.bits != 4 && h.bits != 8:
		return raster.Unsupported(fmt.Sprintf("a Sun raster file of %d bits", h.bits))
	case length == 0:
		h.palette = h.grays()
		return nil
	case mapped != byChannel || length > most:
		return raster.Unsupported(fmt.Sprintf("a Sun raster file with a palette of kind %d and %d bytes", mapped, length))
	}
	h.palette = make(color.Palette, 1<<h.bits)
	n := len(colors) / 3
	for i := range h.palette {
		c := color.NRGBA{A: 255}
		if i < n {
			c.R, c.G, c.B = colors[i], colors[n+i], colors[2*n+i]
		}
		h.palette[i] = c
	}
	return nil
}

func (h *header) grays() color.Palette {
	p := make(color.Palette, 1<<h.bits)
	for i := range p {
		level := raster.Scale(i, len(p)-1)
		if h.bits == 1 {
			level = 255 - level
		}
		p[i] = color.NRGBA{level, level, level, 255}
	}
	return p
}

// DecodeConfig returns size and colours.
func DecodeConfig(data []byte) (image.Config, error) {
	h, err := readHeader(data)
	if err != nil {
		return image.Config{}, err
	}
	return raster.Config(h.width, h.height, h.palette), nil
}

// Decode returns a *image.Paletted, or for true colour a *image.NRGBA. With a
// *raster.Incomplete comes what could be read.
func Decode(ctx context.Context, data []byte) (image.Image, error) {
	h, err := readHeader(data)
	if err != nil {
		return nil, err
	}
	m, to := raster.NewIndexed(h.width, h.height, h.palette)
	if h.palette == nil {
		return m, h.rows(ctx, func(y int, row []byte) { h.trueColor(to(y), row) })
	}
	return m, h.rows(ctx, func(y int, row []byte) { h.indices(to(y), row) })
}

// rows gives each row that is there to a function. They are filled up to 16 bits.
func (h *header) rows(ctx context.Context, each func(y int, row []byte)) error {
	row := make([]byte, (h.width*h.bits+15)/16*2)
	source := runs{data: h.pixels, coded: h.kind == withRuns}
	for y := range h.height {
		if err := ctx.Err(); err != nil {
			return err
		}
		// The last row may lack what only fills it up.
		if got := source.read(row); got < (h.width*h.bits+7)/8 {
			return raster.Cut(y, h.height, false)
		}
		each(y, row)
	}
	return nil
}

func (h *header) indices(to, row []byte) {
	perByte, mask := 8/h.bits, byte(1<<h.bits-1)
	for x := range to {
		to[x] = row[x/perByte] >> (8 - h.bits - x%perByte*h.bits) & mask
	}
}

// trueColor has blue first but in files of one type. Of 32 bits the first byte is not
// used.
func (h *header) trueColor(to, row []byte) {
	size, red, blue := h.bits/8, 2, 0
	if h.kind == redFirst {
		red, blue = blue, red
	}
	for x := range h.width {
		pixel := row[x*size:][size-3 : size]
		to[4*x], to[4*x+1], to[4*x+2] = pixel[red], pixel[1], pixel[blue]
	}
}

// runs reads bytes that are stored as they are, or as runs: 0x80 and 0 are 0x80, 0x80, n
// and a value are n+1 times the value.
type runs struct {
	data  []byte
	coded bool
	left  int // of the run
	value byte
}

// read fills a row as far as data go, and says how far.
func (r *runs) read(row []byte) int {
	if !r.coded {
		n := copy(row, r.data)
		r.data = r.data[n:]
		return n
	}
	for i := range row {
		if r.left == 0 && !r.next() {
			return i
		}
		row[i] = r.value
		r.left--
	}
	return len(row)
}

func (r *runs) next() bool {
	const escape = 0x80
	length := 1
	r.left = 1
	switch {
	case len(r.data) == 0:
		return false
	case r.data[0] != escape:
	case len(r.data) > 1 && r.data[1] == 0:
		length = 2
	case len(r.data) > 2:
		length, r.left = 3, int(r.data[1])+1
	default:
		return false
	}
	r.value = r.data[length-1]
	if length == 2 {
		r.value = escape
	}
	r.data = r.data[length:]
	return true
}
