package qoi

import (
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/color"

	"polylens/indexer/decode/raster"
)

const headerLength = 14

// DecodeConfig returns the size.
func DecodeConfig(data []byte) (image.Config, error) {
	if len(data) < headerLength {
		return image.Config{}, errors.New("its header is cut off")
	}
	width, height := binary.BigEndian.Uint32(data[4:]), binary.BigEndian.Uint32(data[8:])
	return image.Config{ColorModel: color.NRGBAModel, Width: int(width), Height: int(height)}, nil
}

// Decode returns a *image.NRGBA. With a *raster.Incomplete comes what could be read.
func Decode(ctx context.Context, data []byte) (image.Image, error) {
	config, err := DecodeConfig(data)
	if err != nil {
		return nil, err
	}
	m := image.NewNRGBA(image.Rect(0, 0, config.Width, config.Height))
	d := decoder{data: data[headerLength:], pixel: [4]byte{3: 255}}
	for y := range config.Height {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if row := raster.Row(m.Pix, m.Stride, y); !d.row(row) {
			clear(row)
			err = raster.Cut(y, config.Height, false)
			break
		}
	}
	if data[12] == 3 { // channels
		raster.Opaque(m)
	}
	return m, err
}

type decoder struct {
	data  []byte
	pixel [4]byte
	seen  [64][4]byte
	run   int // how often the pixel is still to be repeated
}

// row returns false where the data end.
func (d *decoder) row(row []byte) bool {
	for x := 0; x < len(row); x += 4 {
		if d.run > 0 {
			d.run--
		} else if !d.next() {
			return false
		}
		copy(row[x:], d.pixel[:])
	}
	return true
}

// next reads a chunk, named as in the specification.
func (d *decoder) next() bool {
	const opRGB, opRGBA = 0xFE, 0xFF
	if len(d.data) == 0 {
		return false
	}
	op := d.data[0]
	length := 1
	switch {
	case op == opRGBA:
		length = 5
	case op == opRGB:
		length = 4
	case op>>6 == 2: // a difference of luma
		length = 2
	}
	if len(d.data) < length {
		return false
	}
	d.apply(op, d.data[:length])
	d.data = d.data[length:]
	p := d.pixel
	d.seen[(int(p[0])*3+int(p[1])*5+int(p[2])*7+int(p[3])*11)%64] = p
	return true
}

func (d *decoder) apply(op byte, chunk []byte) {
	switch {
	case op >= 0xFE:
		copy(d.pixel[:], chunk[1:])
	case op>>6 == 0:
		d.pixel = d.seen[op]
	case op>>6 == 1:
		d.add(op>>4&3-2, op>>2&3-2, op&3-2)
	case op>>6 == 2:
		green := op&63 - 32
		d.add(green+chunk[1]>>4-8, green, green+chunk[1]&15-8)
	default:
		d.run = int(op & 63)
	}
}

// add changes the colour, modulo 256.
func (d *decoder) add(r, g, b byte) {
	d.pixel[0] += r
	d.pixel[1] += g
	d.pixel[2] += b
}
