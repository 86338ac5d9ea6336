package dds

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"

	"polylens/indexer/decode/raster"
)

// Lengths in bytes, with the four of the magic: of the header, of what follows it under
// the name DX10, and of a palette.
const headerLength, dx10Length, paletteLength = 128, 20, 1024

// header describes the pixels.
type header struct {
	width, height int
	depth         int // bytes of a pixel, or of a block
	layout        layout
	masks         [4]uint32 // where R, G, B and A lie, of byMasks
	opaque        bool
	palette       color.Palette
	pixels        []byte
}

// layout is how the pixels are stored.
type layout int

const (
	byMasks layout = iota
	bc1
	bc2
	bc3
)

// Flags of the pixel format.
const withAlpha, fourCC, indexed, rgb, luminance = 0x1, 0x4, 0x20, 0x40, 0x20000

func readHeader(data []byte) (*header, error) {
	r := &raster.Reader{Data: data, Order: binary.LittleEndian}
	r.Skip(4)
	size := r.Uint32()
	r.Skip(4)
	h := &header{height: int(r.Uint32()), width: int(r.Uint32())}
	r.Skip(60)
	flags, name, bits := r.Uint32(), string(r.Take(4)), r.Uint32()
	for i := range h.masks {
		h.masks[i] = r.Uint32()
	}
	if size != headerLength-4 || len(data) < headerLength {
		return nil, errors.New("its header makes no sense")
	}
	h.pixels = data[headerLength:]
	return h, h.readFormat(flags, name, bits)
}

func (h *header) readFormat(flags uint32, name string, bits uint32) error {
	h.opaque = flags&withAlpha == 0
	switch {
	case flags&rgb != 0 && bits%8 == 0 && bits >= 8 && bits <= 32:
		h.depth = int(bits / 8)
	case flags&luminance != 0 && (bits == 8 || bits == 16 && !h.opaque):
		h.depth = int(bits / 8)
		h.masks = [4]uint32{0xFF, 0xFF, 0xFF, 0xFF00}
	case flags&indexed != 0:
		return h.readPalette()
	case flags&fourCC != 0:
		return h.readName(name)
	default:
		return raster.Unsupported(fmt.Sprintf("a DDS texture with pixels of %d bits and flags %#x", bits, flags))
	}
	return nil
}

// readPalette takes the colours before the pixels. What is cut off is black.
func (h *header) readPalette() error {
	h.depth, h.palette = 1, make(color.Palette, paletteLength/4)
	var entries [paletteLength]byte
	h.pixels = h.pixels[copy(entries[:], h.pixels):]
	for i := range h.palette {
		e := entries[4*i:]
		h.palette[i] = color.NRGBA{e[0], e[1], e[2], e[3]}
	}
	return nil
}

// readName takes a format by the four letters that name it.
func (h *header) readName(name string) error {
	switch name {
	case "DXT1":
		h.layout, h.depth = bc1, 8
	case "DXT3":
		h.layout, h.depth = bc2, 16
	case "DXT5":
		h.layout, h.depth = bc3, 16
	case "DX10":
		return h.readDXGI()
	default:
		return raster.Unsupported(fmt.Sprintf("a DDS texture of the kind %q", name))
	}
	return nil
}

// readDXGI takes a format by its number in DXGI_FORMAT.
func (h *header) readDXGI() error {
	if len(h.pixels) < dx10Length {
		return errors.New("its header is cut off")
	}
	number := binary.LittleEndian.Uint32(h.pixels)
	h.pixels, h.opaque = h.pixels[dx10Length:], false
	switch number {
	case 27, 28, 29: // R8G8B8A8
		h.depth, h.masks = 4, [4]uint32{0xFF, 0xFF00, 0xFF0000, 0xFF000000}
	case 70, 71, 72:
		h.layout, h.depth = bc1, 8
	case 73, 74, 75:
		h.layout, h.depth = bc2, 16
	case 76, 77, 78:
		h.layout, h.depth = bc3, 16
	case 87, 91: // B8G8R8A8
		h.depth, h.masks = 4, [4]uint32{0xFF0000, 0xFF00, 0xFF, 0xFF000000}
	default:
		return raster.Unsupported(fmt.Sprintf("a DDS texture of DXGI_FORMAT %d", number))
	}
	return nil
}

// DecodeConfig returns size and colours.
func DecodeConfig(data []byte) (image.Config, error) {
	h, err := readHeader(data)
	if err != nil {
		return image.Config{}, err
	}
	return raster.Config(h.width, h.height, h.palette), nil
}

// Decode returns a *image.NRGBA, or for a palette a *image.Paletted. With a
// *raster.Incomplete comes what could be read.
func Decode(ctx context.Context, data []byte) (image.Image, error) {
	h, err := readHeader(data)
	if err != nil {
		return nil, err
	}
	bounds := image.Rect(0, 0, h.width, h.height)
	if h.palette != nil {
		m := image.NewPaletted(bounds, h.palette)
		return m, h.rows(ctx, h.width, 1, func(y int, row []byte) { copy(raster.Row(m.Pix, m.Stride, y), row) })
	}
	m := image.NewNRGBA(bounds)
	if h.opaque && h.layout == byMasks {
		raster.Opaque(m)
	}
	if h.layout != byMasks {
		const side = 4
		return m, h.rows(ctx, (h.width+side-1)/side, side, func(y int, row []byte) { h.blocks(m, y, row) })
	}
	return m, h.rows(ctx, h.width, 1, h.unmasked(m))
}

// rows gives each row that is there to a function. One has so many pixels or blocks, and
// is so many pixels high.
func (h *header) rows(ctx context.Context, across, high int, each func(y int, row []byte)) error {
	stride := across * h.depth
	for y := 0; y < h.height; y += high {
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(h.pixels) < stride {
			return raster.Cut(y, h.height, false)
		}
		each(y, h.pixels[:stride])
		h.pixels = h.pixels[stride:]
	}
	return nil
}

// unmasked sets rows of pixels whose channels lie where masks say. A channel without a
// mask is 0.
func (h *header) unmasked(m *image.NRGBA) func(y int, row []byte) {
	channels := 4
	if h.opaque {
		channels = 3
	}
	var samples [4]sample
	for i := range channels {
		samples[i] = sampleOf(h.masks[i])
	}
	return func(y int, row []byte) {
		to := raster.Row(m.Pix, m.Stride, y)
		for x := range h.width {
			var value uint32
			for i, b := range row[x*h.depth:][:h.depth] {
				value |= uint32(b) << (8 * i)
			}
			for i, s := range samples[:channels] {
				to[4*x+i] = s.of(value)
			}
		}
	}
}
