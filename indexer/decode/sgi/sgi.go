package sgi

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"

	"polylens/indexer/decode/raster"
)

const headerLength = 512

// header describes the pixels.
type header struct {
	width, height, channels int
	bytes                   int // of a sample
	runs                    bool
	data                    []byte
}

func readHeader(data []byte) (*header, error) {
	r := &raster.Reader{Data: data, Order: binary.BigEndian}
	r.Skip(2)
	h := &header{runs: r.Byte() == 1, bytes: int(r.Byte()), data: data}
	dimensions := r.Uint16()
	h.width, h.height, h.channels = r.Uint16(), r.Uint16(), r.Uint16()
	if dimensions == 1 {
		h.height = 1
	}
	if dimensions < 3 {
		h.channels = 1
	}
	if len(data) < headerLength || h.bytes != 1 && h.bytes != 2 {
		return nil, errors.New("its header makes no sense")
	}
	if h.channels < 1 || h.channels > 4 {
		return nil, raster.Unsupported(fmt.Sprintf("%d channels", h.channels))
	}
	return h, nil
}

// DecodeConfig returns size and colours.
func DecodeConfig(data []byte) (image.Config, error) {
	h, err := readHeader(data)
	if err != nil {
		return image.Config{}, err
	}
	return raster.ConfigOf(h.width, h.height, h.channels), nil
}

// Decode returns a *image.Gray or *image.NRGBA. With a *raster.Incomplete comes what
// could be read.
func Decode(ctx context.Context, data []byte) (image.Image, error) {
	h, err := readHeader(data)
	if err != nil {
		return nil, err
	}
	m, set := raster.New(h.width, h.height, h.channels)
	row, samples, whole := make([]byte, h.width*h.channels), make([]byte, h.width), 0
	for i := range h.height {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		complete := true
		for c := range h.channels {
			complete = h.row(samples, c*h.height+i) && complete
			for x, v := range samples {
				row[x*h.channels+c] = v
			}
		}
		if complete {
			whole++
		}
		set(h.height-1-i, row)
	}
	if whole < h.height {
		return m, &raster.Incomplete{Missing: float64(h.height-whole) / float64(h.height)}
	}
	return m, nil
}

// row reads the row of a channel, by its number in the file. Where the data end it is
// black, and false is returned.
func (h *header) row(to []byte, number int) bool {
	clear(to)
	if h.runs {
		return h.runRow(to, number)
	}
	size := h.width * h.bytes
	at := headerLength + number*size
	if at+size > len(h.data) {
		return false
	}
	for x := range to {
		to[x] = h.data[at+x*h.bytes] // of two bytes the high one
	}
	return true
}

// runRow finds the row by the tables of where rows begin and how long they are.
func (h *header) runRow(to []byte, number int) bool {
	starts, lengths := headerLength+4*number, headerLength+4*(h.height*h.channels+number)
	if lengths+4 > len(h.data) {
		return false
	}
	at, length := int64(binary.BigEndian.Uint32(h.data[starts:])), int64(binary.BigEndian.Uint32(h.data[lengths:]))
	if at >= int64(len(h.data)) {
		return false
	}
	coded := h.data[at:min(at+length, int64(len(h.data)))]
	for len(to) > 0 && len(coded) >= h.bytes {
		head := coded[h.bytes-1]
		coded = coded[h.bytes:]
		count, repeat := min(int(head&127), len(to)), head&128 == 0
		if count == 0 {
			break
		}
		for x := range count {
			if len(coded) < h.bytes {
				return false
			}
			to[x] = coded[0]
			if !repeat || x == count-1 {
				coded = coded[h.bytes:]
			}
		}
		to = to[count:]
	}
	return len(to) == 0
}
