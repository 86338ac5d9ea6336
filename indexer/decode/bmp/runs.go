package bmp

import (
	"context"
	"image"

	"polylens/indexer/decode/raster"
)

// Codes behind a zero.
const (
	endOfLine    = 0
	endOfPicture = 1
	delta        = 2
)

// runReader decodes run lengths. Pixels beyond the end of a row are dropped, and those
// that are skipped have the first colour.
type runReader struct {
	*header
	to   *image.Paletted
	data []byte
	x, y int // y counts rows as they are stored
}

func (h *header) runs(ctx context.Context) (image.Image, error) {
	r := &runReader{header: h, to: image.NewPaletted(image.Rect(0, 0, h.width, h.height), h.palette), data: h.pixels}
	for steps := 0; r.y < h.height; steps++ {
		if steps%4096 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if len(r.data) < 2 {
			return r.to, raster.Cut(r.y, h.height, h.upwards)
		}
		count, value := int(r.data[0]), r.data[1]
		r.data = r.data[2:]
		if count == 0 && value == endOfPicture {
			break
		}
		if !r.step(count, value) {
			return r.to, raster.Cut(r.y, h.height, h.upwards)
		}
	}
	return r.to, nil
}

// step returns false where the data end.
func (r *runReader) step(count int, value byte) bool {
	switch {
	case count > 0:
		r.put(count, func(int) byte { return value })
	case value == endOfLine:
		r.x, r.y = 0, r.y+1
	case value == delta:
		if len(r.data) < 2 {
			return false
		}
		r.x, r.y = r.x+int(r.data[0]), r.y+int(r.data[1])
		r.data = r.data[2:]
	default:
		return r.absolute(int(value))
	}
	return true
}

// absolute takes pixels as they stand, which fill an even number of bytes.
func (r *runReader) absolute(count int) bool {
	bytes := (count*r.bits + 7) / 8
	if len(r.data) < bytes {
		return false
	}
	data := r.data
	if r.bits == 8 {
		r.put(count, func(i int) byte { return data[i] })
	} else {
		r.put(count, func(i int) byte { return data[i/2] })
	}
	r.data = r.data[min(bytes+bytes&1, len(r.data)):]
	return true
}

// put sets pixels from pairs of them, or of 8 bits from one each.
func (r *runReader) put(count int, value func(int) byte) {
	if r.y < r.height {
		row := raster.Row(r.to.Pix, r.to.Stride, r.line(r.y))
		for i := range min(count, max(0, r.width-r.x)) {
			v := value(i)
			if r.bits == 4 {
				v = v >> (4 - i%2*4) & 15
			}
			row[r.x+i] = v
		}
	}
	r.x += count
}
