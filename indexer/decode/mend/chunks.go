package mend

import (
	"encoding/binary"
	"errors"
	"io"

	"polylens/indexer/decode/raster"
)

const signature = "\x89PNG\r\n\x1a\n"

// chunks is what matters of a PNG.
type chunks struct {
	header       []byte // IHDR
	palette      []byte // PLTE, nil without
	transparency []byte // tRNS, nil without
	pixels       []byte // the file from the first chunk with pixels on, nil without
}

const headerLength = 13

// readChunks goes on as long as there is anything. Checksums are not looked at, and the
// last chunk may be cut off.
func readChunks(data []byte) (*chunks, error) {
	c := new(chunks)
	for rest := data[min(len(signature), len(data)):]; ; {
		kind, content, after, ok := nextChunk(rest)
		if !ok {
			break
		}
		if err := c.add(kind, content); err != nil {
			return nil, err
		}
		if kind == "IDAT" && len(content) > 0 && c.pixels == nil {
			c.pixels = rest
		}
		rest = after
	}
	switch {
	case len(c.header) != headerLength:
		return nil, errors.New("its header is cut off")
	case len(c.pixels) == 0:
		return nil, errors.New("it has no pixels")
	}
	return c, nil
}

func (c *chunks) add(kind string, content []byte) error {
	switch {
	case kind == "CgBI":
		return raster.Unsupported("a PNG of an app for iPhones (CgBI)")
	case kind == "IHDR" && c.header == nil:
		c.header = content
	case kind == "PLTE" && c.palette == nil:
		c.palette = content[:min(len(content), 3*256)/3*3]
	case kind == "tRNS":
		c.transparency = content
	}
	return nil
}

// Colour types.
const (
	gray      = 0
	trueColor = 2
	paletted  = 3
	grayAlpha = 4
	rgba      = 6
)

var channels = map[byte]int64{gray: 1, trueColor: 3, paletted: 1, grayAlpha: 2, rgba: 4}

// fitting is the transparency if the colour type allows it.
func (c *chunks) fitting() []byte {
	length := len(c.transparency)
	switch kind := c.header[9]; {
	case kind == gray && length >= 2:
		return c.transparency[:2]
	case kind == trueColor && length >= 6:
		return c.transparency[:6]
	case kind == paletted:
		return c.transparency[:min(length, len(c.palette)/3)]
	}
	return nil
}

// length is how many bytes the pixels have before they are compressed, with one for
// the filter of each row.
func (c *chunks) length() (int64, error) {
	width, height := int64(binary.BigEndian.Uint32(c.header)), int64(binary.BigEndian.Uint32(c.header[4:]))
	bits := int64(c.header[8]) * channels[c.header[9]]
	if width <= 0 || height <= 0 || bits <= 0 || width > 1<<28 || height > 1<<28 {
		return 0, errors.New("its header makes no sense")
	}
	rows := func(w, h int64) int64 {
		if w <= 0 || h <= 0 {
			return 0
		}
		return h * (1 + (w*bits+7)/8)
	}
	if c.header[12] == 0 {
		return rows(width, height), nil
	}
	var sum int64
	for _, p := range [...]struct{ x, y, across, down int64 }{ // Adam7
		{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2},
	} {
		sum += rows((width-p.x+p.across-1)/p.across, (height-p.y+p.down-1)/p.down)
	}
	return sum, nil
}

// nextChunk takes the first chunk off. It is false at the end: that of the file, or IEND.
func nextChunk(rest []byte) (kind string, content, after []byte, ok bool) {
	if len(rest) < 8 {
		return "", nil, nil, false
	}
	length, kind := int64(binary.BigEndian.Uint32(rest)), string(rest[4:8])
	end := min(8+length, int64(len(rest)))
	return kind, rest[8:end], rest[min(end+4, int64(len(rest))):], kind != "IEND"
}

// compressed reads the content of all IDAT chunks.
func (c *chunks) compressed() io.Reader {
	return &parts{rest: c.pixels}
}

// parts reads one after another. There may be millions.
type parts struct{ part, rest []byte }

func (p *parts) Read(b []byte) (int, error) {
	for len(p.part) == 0 {
		kind, content, after, ok := nextChunk(p.rest)
		if !ok {
			return 0, io.EOF
		}
		if p.rest = after; kind == "IDAT" {
			p.part = content
		}
	}
	n := copy(b, p.part)
	p.part = p.part[n:]
	return n, nil
}
