package xbm

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"strconv"

	"polylens/indexer/decode/raster"
)

// longestHeader is how far the array's beginning is looked for.
const longestHeader = 4 << 10

// header describes the pixels.
type header struct {
	width, height int
	numbers       []byte // of the array, as text
}

// Is reports whether data begin as such a bitmap does.
func Is(data []byte) bool {
	_, err := readHeader(data)
	var unsupported raster.Unsupported
	return err == nil || errors.As(err, &unsupported)
}

func readHeader(data []byte) (*header, error) {
	h := &header{}
	head := data[:min(len(data), longestHeader)]
	rest := head
	for {
		rest = afterComments(rest)
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		words := bytes.Fields(line)
		if len(words) != 3 || string(words[0]) != "#define" {
			break
		}
		h.define(words[1], words[2])
		rest = after
	}
	declaration, _, opened := bytes.Cut(rest, []byte("{"))
	if h.width == 0 || h.height == 0 || !opened || !bytes.Contains(declaration, []byte("_bits")) {
		return nil, errors.New("its header makes no sense")
	}
	if !bytes.Contains(declaration, []byte("char")) {
		return nil, raster.Unsupported("an XBM of numbers of 16 bits")
	}
	h.numbers = data[len(head)-len(rest)+len(declaration)+1:]
	return h, nil
}

// define takes a size. A name may be that of the picture with _width, or width alone.
func (h *header) define(name, value []byte) {
	n, err := strconv.ParseUint(string(value), 0, 31)
	switch {
	case err != nil:
	case bytes.HasSuffix(name, []byte("width")):
		h.width = int(n)
	case bytes.HasSuffix(name, []byte("height")):
		h.height = int(n)
	}
}

// afterComments skips white space and comments.
func afterComments(text []byte) []byte {
	for {
		text = bytes.TrimLeft(text, " \t\r\n")
		if !bytes.HasPrefix(text, []byte("/*")) {
			return text
		}
		_, after, closed := bytes.Cut(text[2:], []byte("*/"))
		if !closed {
			return nil
		}
		text = after
	}
}

// DecodeConfig returns the size.
func DecodeConfig(data []byte) (image.Config, error) {
	h, err := readHeader(data)
	if err != nil {
		return image.Config{}, err
	}
	return image.Config{ColorModel: color.GrayModel, Width: h.width, Height: h.height}, nil
}

// Decode returns a *image.Gray. With a *raster.Incomplete comes what could be read.
func Decode(ctx context.Context, data []byte) (image.Image, error) {
	h, err := readHeader(data)
	if err != nil {
		return nil, err
	}
	m := image.NewGray(image.Rect(0, 0, h.width, h.height))
	for y := range h.height {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if row := raster.Row(m.Pix, m.Stride, y); !h.row(row) {
			clear(row)
			return m, raster.Cut(y, h.height, false)
		}
	}
	return m, nil
}

// row returns false where the numbers end. The lowest bit is on the left.
func (h *header) row(row []byte) bool {
	for x := 0; x < len(row); x += 8 {
		bits, ok := h.next()
		if !ok {
			return false
		}
		for i := range row[x:min(x+8, len(row))] {
			row[x+i] = bits >> i & 1 * 255
		}
	}
	return true
}

// next is the next number of the array.
func (h *header) next() (byte, bool) {
	const longest = 8 // with zeros in front
	h.numbers = bytes.TrimLeft(h.numbers, " \t\r\n,")
	head := h.numbers[:min(len(h.numbers), longest)]
	if end := bytes.IndexAny(head, " \t\r\n,}"); end >= 0 {
		head = head[:end]
	}
	n, err := strconv.ParseUint(string(head), 0, 8)
	h.numbers = h.numbers[len(head):]
	return byte(n), err == nil
}
