package tga

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image/color"

	"polylens/indexer/decode/raster"
)

// Kinds of pixels, without the bit for run lengths.
const (
	paletted  = 1
	trueColor = 2
	grayscale = 3
)

// header describes the pixels.
type header struct {
	width, height    int
	kind, bits       int
	runs             bool
	downwards        bool // the first row is stored first
	leftwards        bool // the last pixel of a row is stored first
	alphaBits        int
	palette          color.Palette // of 256 colours
	pixels           []byte
	start, n, across int // of the palette
}

var errHeader = errors.New("its header makes no sense")

// Is reports whether data are a picture that this package reads.
func Is(data []byte) bool {
	h, err := readHeader(data)
	if err != nil {
		return false
	}
	if bytes.HasSuffix(data, []byte("TRUEVISION-XFILE.\x00")) {
		return true
	}
	// An old file has nothing to know it by, but enough pixels for its size.
	return h.runs && len(h.pixels) > 0 || !h.runs && len(h.pixels) >= h.width*h.height*h.bytes()/4
}

func readHeader(data []byte) (*header, error) {
	r := &raster.Reader{Data: data, Order: binary.LittleEndian}
	id, hasPalette, kind := int64(r.Byte()), r.Byte(), r.Byte()
	h := &header{kind: int(kind &^ 8), runs: kind&8 != 0}
	h.start, h.n, h.across = r.Uint16(), r.Uint16(), int(r.Byte())
	r.Skip(4)
	h.width, h.height, h.bits = r.Uint16(), r.Uint16(), int(r.Byte())
	flags := r.Byte()
	h.alphaBits, h.leftwards, h.downwards = int(flags&15), flags&0x10 != 0, flags&0x20 != 0
	if r.Short || hasPalette > 1 || h.width == 0 || h.height == 0 || flags&0xC0 != 0 || h.alphaBits > 8 || !h.known() {
		return nil, errHeader
	}
	if hasPalette == 0 && (h.kind == paletted || h.start|h.n|h.across != 0) {
		return nil, errHeader
	}
	r.Skip(id)
	if hasPalette == 1 {
		if h.across != 15 && h.across != 16 && h.across != 24 && h.across != 32 {
			return nil, errHeader
		}
		h.readPalette(r.Take(h.n * ((h.across + 7) / 8)))
	}
	if r.Short {
		return nil, errHeader
	}
	h.pixels = data[r.At:]
	return h, nil
}

func (h *header) known() bool {
	switch h.kind {
	case paletted:
		return h.bits == 8
	case trueColor:
		return h.bits == 15 || h.bits == 16 || h.bits == 24 || h.bits == 32
	case grayscale:
		return h.bits == 8 || h.bits == 16
	}
	return false
}

// bytes is how long a pixel is.
func (h *header) bytes() int { return (h.bits + 7) / 8 }

// readPalette fills up with black.
func (h *header) readPalette(entries []byte) {
	h.palette = make(color.Palette, 256)
	for i := range h.palette {
		h.palette[i] = color.NRGBA{A: 255}
	}
	size := (h.across + 7) / 8
	for i := h.start; i < 256 && len(entries) >= size; i++ {
		h.palette[i] = colorOf(entries, h.across)
		entries = entries[size:]
	}
}

// colorOf is a colour of 15 to 32 bits.
func colorOf(b []byte, bits int) color.NRGBA {
	switch bits {
	case 24:
		return color.NRGBA{b[2], b[1], b[0], 255}
	case 32:
		return color.NRGBA{b[2], b[1], b[0], b[3]}
	}
	v := int(binary.LittleEndian.Uint16(b))
	return color.NRGBA{raster.Scale(v>>10&31, 31), raster.Scale(v>>5&31, 31), raster.Scale(v&31, 31), 255}
}
