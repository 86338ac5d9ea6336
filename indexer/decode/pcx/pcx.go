package pcx

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"

	"polylens/indexer/decode/raster"
)

const headerLength = 128

// header describes the pixels.
type header struct {
	width, height, bits, planes int
	stride                      int // of a row of one plane
	runs                        bool
	palette                     color.Palette
	pixels                      []byte
}

// Is reports whether data begin with a header that makes sense.
func Is(data []byte) bool {
	_, err := readHeader(data)
	var unsupported raster.Unsupported
	return err == nil || errors.As(err, &unsupported)
}

func readHeader(data []byte) (*header, error) {
	r := &raster.Reader{Data: data, Order: binary.LittleEndian}
	maker, version, coding := r.Byte(), r.Byte(), r.Byte()
	h := &header{bits: int(r.Byte()), runs: coding == 1}
	left, top, right, bottom := r.Uint16(), r.Uint16(), r.Uint16(), r.Uint16()
	h.width, h.height = right-left+1, bottom-top+1
	r.Skip(4)
	colors := r.Take(48)
	r.Skip(1)
	h.planes, h.stride = int(r.Byte()), r.Uint16()
	if len(data) < headerLength || maker != 10 || version > 5 || version == 1 || coding > 1 || h.width <= 0 || h.height <= 0 ||
		h.bits != 1 && h.bits != 2 && h.bits != 4 && h.bits != 8 || h.planes < 1 || h.planes > 4 {
		return nil, errors.New("its header makes no sense")
	}
	least := (h.width*h.bits + 7) / 8
	if h.stride != least { // it is not to be trusted
		h.stride = least + least&1
	}
	h.pixels = data[headerLength:]
	return h, h.readPalette(data, colors, version)
}

// readPalette chooses the colours: those of the header, of the end of the file, or
// shades of grey.
func (h *header) readPalette(data, colors []byte, version byte) error {
	const end = 769
	switch {
	case h.bits == 1 && h.planes == 1:
		h.palette = color.Palette{color.NRGBA{A: 255}, color.NRGBA{255, 255, 255, 255}}
	case h.bits == 8 && h.planes == 1 && version == 5:
		h.palette = grays()
		if len(h.pixels) >= end && data[len(data)-end] == 12 {
			h.pixels = h.pixels[:len(h.pixels)-end]
			h.palette = paletteOf(data[len(data)-end+1:])
		}
	case h.bits*h.planes <= 4:
		h.palette = paletteOf(colors)
	case h.bits == 8 && h.planes == 3:
	default:
		return raster.Unsupported(fmt.Sprintf("%d planes of %d bits", h.planes, h.bits))
	}
	return nil
}

func grays() color.Palette {
	p := make(color.Palette, 256)
	for i := range p {
		p[i] = color.NRGBA{byte(i), byte(i), byte(i), 255}
	}
	return p
}

func paletteOf(colors []byte) color.Palette {
	p := make(color.Palette, len(colors)/3)
	for i := range p {
		p[i] = color.NRGBA{colors[3*i], colors[3*i+1], colors[3*i+2], 255}
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

// rows gives each row that is there, its planes one after another, to a function.
func (h *header) rows(ctx context.Context, each func(y int, row []byte)) error {
	row, data := make([]byte, h.stride*h.planes), h.pixels
	var run runLength
	for y := range h.height {
		if err := ctx.Err(); err != nil {
			return err
		}
		for i := range row {
			if run.left == 0 {
				if data = run.read(data, h.runs); run.left == 0 {
					return raster.Cut(y, h.height, false)
				}
			}
			row[i] = run.value
			run.left--
		}
		each(y, row)
	}
	return nil
}

type runLength struct {
	left  int
	value byte
}

// read returns what is left of the data. A run without length is passed over.
func (r *runLength) read(data []byte, runs bool) []byte {
	const run = 0xC0
	for len(data) > 0 && r.left == 0 {
		if !runs || data[0] < run {
			r.left, r.value = 1, data[0]
			return data[1:]
		}
		if len(data) < 2 {
			return nil
		}
		r.left, r.value = int(data[0]&^run), data[1]
		data = data[2:]
	}
	return data
}

// indices puts the bits of all planes together.
func (h *header) indices(to, row []byte) {
	mask, perByte := byte(1<<h.bits-1), 8/h.bits
	for x := range to {
		shift, at := 8-h.bits-x%perByte*h.bits, x/perByte
		for plane := range h.planes {
			to[x] |= row[plane*h.stride+at] >> shift & mask << (plane * h.bits)
		}
	}
}

func (h *header) trueColor(to, row []byte) {
	for x := range h.width {
		to[4*x], to[4*x+1], to[4*x+2], to[4*x+3] = row[x], row[h.stride+x], row[2*h.stride+x], 255
	}
}
