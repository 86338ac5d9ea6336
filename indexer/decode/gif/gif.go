package gif

import (
	"bufio"
	"compress/lzw"
	"context"
	"errors"
	"fmt"
	"image"
	"io"

	"polylens/indexer/decode/raster"
)

// DecodeConfig returns the size of the screen.
func DecodeConfig(data []byte) (image.Config, error) {
	h, err := readHeader(data)
	if err != nil {
		return image.Config{}, err
	}
	return image.Config{ColorModel: h.colors, Width: h.screen.X, Height: h.screen.Y}, nil
}

// Decode returns the screen, a byte for each pixel. Around the frame it is transparent
// if the frame can be, else it has the first colour. With a *raster.Incomplete comes
// what could be read.
func Decode(ctx context.Context, data []byte) (image.Image, error) {
	h, err := readHeader(data)
	if err != nil {
		return nil, err
	}
	if h.codeSize < 2 || h.codeSize > 8 {
		return nil, fmt.Errorf("its codes begin with %d bits", h.codeSize)
	}
	m := image.NewPaletted(image.Rectangle{Max: h.screen}, h.colors)
	if h.transparent > 0 {
		fill(m.Pix, byte(h.transparent))
	}
	pixels := lzw.NewReader(bufio.NewReader(&blocks{rest: h.blocks}), lzw.LSB, h.codeSize)
	defer pixels.Close()
	return m, h.readPixels(ctx, m, pixels)
}

func fill(pix []byte, value byte) {
	if len(pix) == 0 {
		return
	}
	pix[0] = value
	for done := 1; done < len(pix); done *= 2 {
		copy(pix[done:], pix[:done])
	}
}

// readPixels returns *raster.Incomplete if there are too few.
func (h *header) readPixels(ctx context.Context, m *image.Paletted, pixels io.Reader) error {
	height := h.frame.Dy()
	for i := range height {
		if err := ctx.Err(); err != nil {
			return err
		}
		row := m.Pix[m.PixOffset(h.frame.Min.X, h.frame.Min.Y+h.row(i)):][:h.frame.Dx()]
		if _, err := io.ReadFull(pixels, row); err != nil {
			return h.cut(i, err)
		}
	}
	return nil
}

// cut says what is missing when so many rows have been read.
func (h *header) cut(rows int, err error) error {
	cut := &raster.Incomplete{Missing: float64(h.frame.Dy()-rows) / float64(h.frame.Dy()), Where: "lower"}
	if h.interlaced {
		cut.Where = ""
	}
	cut.Damaged = !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF)
	return cut
}

// row is where the row that is stored as number i belongs: interlaced are every eighth
// row, those in the middle between them, and so on.
func (h *header) row(i int) int {
	if !h.interlaced {
		return i
	}
	for _, pass := range [...]struct{ first, step int }{{0, 8}, {4, 8}, {2, 4}, {1, 2}} {
		rows := (h.frame.Dy() - pass.first + pass.step - 1) / pass.step
		if i < rows {
			return pass.first + i*pass.step
		}
		i -= rows
	}
	return 0 // not reached: the passes have all rows
}

// blocks reads what stands in blocks of up to 255 bytes, each behind its length. The
// last one may be cut off.
type blocks struct{ block, rest []byte }

func (b *blocks) Read(p []byte) (int, error) {
	if len(b.block) == 0 {
		if len(b.rest) < 2 || b.rest[0] == 0 {
			return 0, io.ErrUnexpectedEOF
		}
		end := min(1+int(b.rest[0]), len(b.rest))
		b.block, b.rest = b.rest[1:end], b.rest[end:]
	}
	n := copy(p, b.block)
	b.block = b.block[n:]
	return n, nil
}
