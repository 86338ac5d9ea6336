package bmp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math/bits"

	"polylens/indexer/decode/raster"
)

// Is reports whether data begin as a file of this format does.
func Is(data []byte) bool {
	if len(data) < fileHeader+4 || string(data[:2]) != "BM" {
		return false
	}
	size := binary.LittleEndian.Uint32(data[fileHeader:])
	return size >= 12 && size <= mostHeader
}

func readFile(data []byte) (*header, error) {
	if len(data) < fileHeader {
		return nil, errors.New("its header is cut off")
	}
	offset := int64(binary.LittleEndian.Uint32(data[10:]))
	return readHeader(data[fileHeader:], offset-fileHeader)
}

// DecodeConfig returns size and colours of a file.
func DecodeConfig(data []byte) (image.Config, error) {
	h, err := readFile(data)
	if err != nil {
		return image.Config{}, err
	}
	return h.config(), nil
}

func (h *header) config() image.Config {
	config := image.Config{ColorModel: color.NRGBAModel, Width: h.width, Height: h.height}
	if h.palette != nil {
		config.ColorModel = h.palette
	}
	return config
}

// Decode returns a *image.Paletted up to 8 bits a pixel, else a *image.NRGBA, or what
// image/jpeg and image/png make of a picture inside. With a *raster.Incomplete comes
// what could be read.
func Decode(ctx context.Context, data []byte) (image.Image, error) {
	h, err := readFile(data)
	if err != nil {
		return nil, err
	}
	return h.decode(ctx)
}

func (h *header) decode(ctx context.Context) (image.Image, error) {
	switch {
	case h.compression == withJPEG:
		return h.inside(jpeg.DecodeConfig, jpeg.Decode)
	case h.compression == withPNG:
		return h.inside(png.DecodeConfig, png.Decode)
	case h.compression == rle8 || h.compression == rle4:
		return h.runs(ctx)
	case h.palette != nil:
		m := image.NewPaletted(image.Rect(0, 0, h.width, h.height), h.palette)
		return m, h.rows(ctx, func(y int, row []byte) { unpack(raster.Row(m.Pix, m.Stride, y), row, h.bits) })
	}
	m := image.NewNRGBA(image.Rect(0, 0, h.width, h.height))
	if h.masks[3] == 0 {
		raster.Opaque(m) // what is missing is black
	}
	if h.bits == 24 {
		return m, h.rows(ctx, func(y int, row []byte) { fromBGR(raster.Row(m.Pix, m.Stride, y), row) })
	}
	fields := h.fields()
	return m, h.rows(ctx, func(y int, row []byte) { fromFields(raster.Row(m.Pix, m.Stride, y), row, h.bits/8, fields) })
}

// inside decodes the picture that stands in place of the pixels.
func (h *header) inside(config func(io.Reader) (image.Config, error), decode func(io.Reader) (image.Image, error)) (image.Image, error) {
	c, err := config(bytes.NewReader(h.pixels))
	if err != nil {
		return nil, err
	}
	if c.Width != h.width || c.Height != h.height {
		return nil, fmt.Errorf("the picture inside has %d x %d pixels instead of %d x %d", c.Width, c.Height, h.width, h.height)
	}
	return decode(bytes.NewReader(h.pixels))
}

// rows gives each row that is there to a function.
func (h *header) rows(ctx context.Context, each func(y int, row []byte)) error {
	stride := h.stride()
	needed := (h.width*h.bits + 7) / 8 // without the padding, which may lack in the end
	for i := range h.height {
		if err := ctx.Err(); err != nil {
			return err
		}
		if i*stride+needed > len(h.pixels) {
			return raster.Cut(i, h.height, h.upwards)
		}
		each(h.line(i), h.pixels[i*stride:][:needed])
	}
	return nil
}

// line is where the row that is stored as number i belongs.
func (h *header) line(i int) int {
	if h.upwards {
		return h.height - 1 - i
	}
	return i
}

// unpack spreads pixels of 1, 2, 4 or 8 bits to bytes.
func unpack(to, row []byte, bits int) {
	if bits == 8 {
		copy(to, row)
		return
	}
	perByte, mask := 8/bits, byte(1<<bits-1)
	for x := range to {
		shift := 8 - bits - x%perByte*bits
		to[x] = row[x/perByte] >> shift & mask
	}
}

func fromBGR(to, row []byte) {
	for x := 0; x < len(row)/3; x++ {
		to[4*x], to[4*x+1], to[4*x+2], to[4*x+3] = row[3*x+2], row[3*x+1], row[3*x], 255
	}
}

// field is where a channel lies in a pixel.
type field struct {
	mask  uint32
	shift int
	most  uint64 // the largest value
}

func (h *header) fields() (f [4]field) {
	for i, mask := range h.masks {
		f[i] = field{mask, bits.TrailingZeros32(mask), 0}
		if mask != 0 {
			f[i].most = uint64(mask >> f[i].shift)
		}
	}
	return f
}

// fromFields reads pixels of 2 or 4 bytes. A channel without bits is 0, alpha 255.
func fromFields(to, row []byte, size int, fields [4]field) {
	for x := 0; x < len(to)/4; x++ {
		var v uint32
		if size == 2 {
			v = uint32(binary.LittleEndian.Uint16(row[2*x:]))
		} else {
			v = binary.LittleEndian.Uint32(row[4*x:])
		}
		to[4*x+3] = 255
		for i, f := range fields {
			if f.most > 0 {
				to[4*x+i] = byte((uint64((v&f.mask)>>f.shift)*255 + f.most/2) / f.most)
			}
		}
	}
}
