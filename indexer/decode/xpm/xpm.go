package xpm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"strconv"

	"polylens/indexer/decode/raster"
)

// mostCharacters of a pixel. Two are common.
const mostCharacters = 16

// header describes the pixels.
type header struct {
	width, height, colors int
	characters            int // of a pixel
	rest                  []byte
}

func readHeader(data []byte) (*header, error) {
	values, rest, _ := nextString(data)
	h := &header{rest: rest}
	words := bytes.Fields(values)
	if len(words) < 4 {
		return nil, errors.New("its header makes no sense")
	}
	for i, v := range []*int{&h.width, &h.height, &h.colors, &h.characters} {
		n, err := strconv.ParseUint(string(words[i]), 10, 31)
		if err != nil {
			return nil, fmt.Errorf("its header makes no sense: %w", err)
		}
		*v = int(n)
	}
	if h.characters < 1 || h.characters > mostCharacters || h.colors < 1 {
		return nil, errors.New("its header makes no sense")
	}
	return h, nil
}

// nextString is the next string of C in the text, and what follows it. Comments are
// skipped. It returns false at the end, and for a string that is not closed.
func nextString(text []byte) (content, rest []byte, ok bool) {
	for {
		at := bytes.IndexAny(text, `"/`)
		if at < 0 {
			return nil, nil, false
		}
		closing := `"`
		if text[at] == '/' {
			if closing = "*/"; !bytes.HasPrefix(text[at:], []byte("/*")) {
				text = text[at+1:]
				continue
			}
			at++
		}
		content, rest, ok = bytes.Cut(text[at+1:], []byte(closing))
		if closing == `"` || !ok {
			return content, rest, ok
		}
		text = rest
	}
}

// DecodeConfig returns the size.
func DecodeConfig(data []byte) (image.Config, error) {
	h, err := readHeader(data)
	if err != nil {
		return image.Config{}, err
	}
	return image.Config{ColorModel: color.NRGBAModel, Width: h.width, Height: h.height}, nil
}

// Decode returns a *image.NRGBA. With a *raster.Incomplete comes what could be read.
func Decode(ctx context.Context, data []byte) (image.Image, error) {
	h, err := readHeader(data)
	if err != nil {
		return nil, err
	}
	colors, err := h.readColors(ctx)
	if err != nil {
		return nil, err
	}
	m := image.NewNRGBA(image.Rect(0, 0, h.width, h.height))
	for y := range h.height {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		row := raster.Row(m.Pix, m.Stride, y)
		if whole := h.row(row, colors); !whole {
			clear(row)
			cut := &raster.Incomplete{Missing: float64(h.height-y) / float64(h.height), Where: "lower"}
			cut.Damaged = len(h.rest) > 0
			return m, cut
		}
	}
	return m, nil
}

// readColors reads which characters stand for which colour.
func (h *header) readColors(ctx context.Context) (map[string]color.NRGBA, error) {
	colors := map[string]color.NRGBA{}
	for range h.colors {
		line, rest, ok := nextString(h.rest)
		if !ok || len(line) < h.characters {
			return nil, errors.New("its list of colours is cut off")
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c, err := colorOf(line[h.characters:])
		if err != nil {
			return nil, err
		}
		colors[string(line[:h.characters])] = c
		h.rest = rest
	}
	return colors, nil
}

// row returns false where the pixels end or have no colour.
func (h *header) row(row []byte, colors map[string]color.NRGBA) bool {
	line, rest, ok := nextString(h.rest)
	h.rest = rest
	if !ok || len(line)/h.characters < len(row)/4 {
		return false
	}
	for x := 0; x < len(row); x += 4 {
		c, known := colors[string(line[:h.characters])]
		if !known {
			return false
		}
		row[x], row[x+1], row[x+2], row[x+3] = c.R, c.G, c.B, c.A
		line = line[h.characters:]
	}
	return true
}
