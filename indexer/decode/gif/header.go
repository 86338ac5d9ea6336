package gif

import (
	"encoding/binary"
	"errors"
	"image"
	"image/color"

	"polylens/indexer/decode/raster"
)

// header is all that stands before the pixels of the first frame.
type header struct {
	screen      image.Point // with room for the frame
	frame       image.Rectangle
	colors      color.Palette // of 256 colours
	transparent int           // -1 for none
	interlaced  bool
	codeSize    int
	blocks      []byte // the pixels, in blocks, and what follows
}

const (
	extension = 0x21
	control   = 0xF9
	frame     = 0x2C

	hasTable   = 0x80
	interlaced = 0x40
)

var errNoFrame = errors.New("it has no frame")

func readHeader(data []byte) (*header, error) {
	r := &raster.Reader{Data: data, Order: binary.LittleEndian}
	h := &header{transparent: -1}
	r.Skip(6)
	h.screen = image.Pt(r.Uint16(), r.Uint16())
	flags := r.Byte()
	r.Skip(2)
	h.readTable(r, flags)
	for {
		switch r.Byte() {
		case extension:
			h.readExtension(r)
		case frame:
			return h, h.readFrame(r)
		default: // the trailer, or no block
			return nil, errNoFrame
		}
		if r.Short {
			return nil, errNoFrame
		}
	}
}

// readTable reads the colours where the flags say that there are any. Without a table
// they are shades of grey; behind the end of a table they are black.
func (h *header) readTable(r *raster.Reader, flags byte) {
	if h.colors == nil {
		h.colors = make(color.Palette, 256)
		for i := range h.colors {
			h.colors[i] = color.RGBA{byte(i), byte(i), byte(i), 255}
		}
	}
	if flags&hasTable == 0 {
		return
	}
	table := r.Take(3 << (flags&7 + 1))
	for i := range h.colors {
		h.colors[i] = color.RGBA{A: 255}
		if 3*i < len(table) {
			h.colors[i] = color.RGBA{table[3*i], table[3*i+1], table[3*i+2], 255}
		}
	}
}

func (h *header) readExtension(r *raster.Reader) {
	kind := r.Byte()
	for {
		block := r.Take(int(r.Byte()))
		if len(block) == 0 {
			return
		}
		if kind == control && len(block) >= 4 && block[0]&1 != 0 {
			h.transparent = int(block[3])
		}
	}
}

func (h *header) readFrame(r *raster.Reader) error {
	at := image.Pt(r.Uint16(), r.Uint16())
	h.frame = image.Rectangle{Min: at, Max: at.Add(image.Pt(r.Uint16(), r.Uint16()))}
	flags := r.Byte()
	h.readTable(r, flags)
	h.interlaced = flags&interlaced != 0
	h.codeSize = int(r.Byte())
	h.screen = image.Pt(max(h.screen.X, h.frame.Max.X), max(h.screen.Y, h.frame.Max.Y))
	if r.Short {
		return errNoFrame
	}
	if h.transparent >= 0 {
		h.colors[h.transparent] = color.RGBA{}
	}
	h.blocks = r.Data[r.At:]
	return nil
}
