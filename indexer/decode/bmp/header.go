package bmp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image/color"

	"polylens/indexer/decode/raster"
)

// Compressions.
const (
	plain       = 0
	rle8        = 1
	rle4        = 2
	bitFields   = 3
	withJPEG    = 4
	withPNG     = 5
	alphaFields = 6
)

// fileHeader is the length of what stands before the info header, and mostHeader more
// than the longest one that exists.
const fileHeader, mostHeader = 14, 1024

// header describes the pixels.
type header struct {
	width, height int
	upwards       bool // the last row is stored first
	bits          int  // of a pixel
	compression   uint32
	masks         [4]uint32     // of red, green, blue and alpha, of 16 and 32 bits
	palette       color.Palette // of 256 colours, up to 8 bits
	pixels        []byte
}

// readHeader reads a bitmap from its info header on. pixels says where they begin in
// data; 0 is behind the palette.
func readHeader(data []byte, pixels int64) (*header, error) {
	r := &raster.Reader{Data: data, Order: binary.LittleEndian}
	h := &header{upwards: true}
	size, colors := int(r.Uint32()), 0
	switch {
	case size == 12:
		h.width, h.height = r.Uint16(), r.Uint16()
		r.Skip(2)
		h.bits = r.Uint16()
	case size >= 16 && size <= mostHeader:
		colors = h.readInfo(&raster.Reader{Data: r.Take(size - 4), Order: r.Order}, size)
	default:
		return nil, raster.Unsupported(fmt.Sprintf("a header of %d bytes", size))
	}
	if h.height < 0 {
		h.height, h.upwards = -h.height, false
	}
	if size == 40 && (h.compression == bitFields || h.compression == alphaFields) {
		h.readMasks(r, 3+int(h.compression)/alphaFields)
	}
	if r.Short || h.width <= 0 || h.height <= 0 {
		return nil, errors.New("its header makes no sense")
	}
	if err := h.check(size); err != nil {
		return nil, err
	}
	h.place(r, size, colors, pixels)
	return h, nil
}

// readInfo reads all headers but the oldest, whose fields are the same as far as they
// go. It returns the number of colours in the palette, 0 if the depth says it.
func (h *header) readInfo(r *raster.Reader, size int) (colors int) {
	h.width, h.height = int(int32(r.Uint32())), int(int32(r.Uint32()))
	r.Skip(2)
	h.bits = r.Uint16()
	if size < 40 {
		return 0
	}
	h.compression = r.Uint32()
	r.Skip(12)
	colors = int(r.Uint32())
	r.Skip(4)
	if h.compression == bitFields && (size >= 108 || size == 52 || size == 56) {
		h.readMasks(r, min((size-40)/4, 4))
	}
	return colors
}

func (h *header) readMasks(r *raster.Reader, n int) {
	for i := range n {
		h.masks[i] = r.Uint32()
	}
}

// check refuses what is not read, and gives each depth the masks that it has without
// bit fields.
func (h *header) check(size int) error {
	const os2 = 64
	switch c := h.compression; {
	case size == os2 && (c == bitFields && h.bits == 1 || c == withJPEG && h.bits == 24):
		return raster.Unsupported("a compression of OS/2")
	case c == withJPEG, c == withPNG:
		return nil
	case c == rle8 && h.bits == 8, c == rle4 && h.bits == 4:
		return nil
	case c != plain && c != bitFields && c != alphaFields:
		return raster.Unsupported(fmt.Sprintf("compression %d of %d bits", c, h.bits))
	}
	switch h.bits {
	case 1, 2, 4, 8, 24:
	case 16:
		if h.masks == [4]uint32{} {
			h.masks = [4]uint32{0x7C00, 0x3E0, 0x1F}
		}
	case 32:
		if h.masks == [4]uint32{} {
			h.masks = [4]uint32{0xFF0000, 0xFF00, 0xFF}
			if h.compression == bitFields {
				h.masks[3] = 0xFF000000
			}
		}
	default:
		return raster.Unsupported(fmt.Sprintf("%d bits a pixel", h.bits))
	}
	return nil
}

// place reads the palette and finds the pixels behind it.
func (h *header) place(r *raster.Reader, size, colors int, pixels int64) {
	entry := 4
	if size == 12 {
		entry = 3
	}
	start := int64(r.At)
	if h.bits <= 8 && h.bits > 0 {
		if colors <= 0 || colors > 1<<16 {
			colors = 1 << h.bits
		}
		room := int64(colors) * int64(entry)
		if pixels > start && pixels-start < room {
			room = pixels - start
		}
		h.readPalette(r.Data[start:min(start+room, int64(len(r.Data)))], entry)
		start += room
	}
	if pixels < start { // too early, or not said
		pixels = start
	}
	h.pixels = r.Data[min(pixels, int64(len(r.Data))):]
}

// readPalette fills up with black.
func (h *header) readPalette(entries []byte, size int) {
	h.palette = make(color.Palette, 256)
	for i := range h.palette {
		h.palette[i] = color.NRGBA{A: 255}
		if len(entries) >= 3 {
			h.palette[i] = color.NRGBA{entries[2], entries[1], entries[0], 255}
			entries = entries[min(size, len(entries)):]
		}
	}
}

// stride is the length of a row in bytes.
func (h *header) stride() int { return (h.width*h.bits + 31) / 32 * 4 }
