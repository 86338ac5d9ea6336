package tiff

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"

	"github.com/klauspost/compress/zstd"
)

// Codecs are the decoders of other formats that may stand in a TIFF.
type Codecs struct {
	WebP func(data []byte) (image.Image, error) // of compression 50001; nil: refused
}

// Decode reads the first page. Warnings say, one sentence each, what of it is missing. The
// picture is *image.Gray, *image.Paletted, *image.RGBA (opaque, or premultiplied as in the
// file), *image.NRGBA or *image.CMYK, of the header's Width and Height. Where a profile comes
// with more than 8 bits it is *image.Gray16, *image.RGBA64 or *image.NRGBA64. What is missing
// is zero. The caller has checked Header.Memory and that the sides are not too long. Errors
// are FormatError, UnsupportedError, or those of the context, which is looked at between
// strips and during long ones.
func Decode(ctx context.Context, data []byte, codecs Codecs) (image.Image, []string, error) {
	p, err := readPage(data)
	if err != nil {
		return nil, nil, err
	}
	d := &decoder{page: p, ctx: ctx, others: codecs, canvas: newCanvas(&p), levels: p.levels()}
	defer d.close()
	if err := d.segments(); err != nil {
		return nil, nil, err
	}
	return d.finish(), d.warnings(), nil
}

// decoder is a page while it is being read.
type decoder struct {
	page
	ctx    context.Context
	others Codecs
	canvas canvas

	levels  []byte    // what samples of at most 8 bits become
	segment []byte    // decompressed, from one segment to the next
	turned  []byte    // compressed, its bits in order
	units   []byte    // rows of pixels that shared chroma
	row     []byte    // a row of samples
	wordRow []uint16  // the same where the picture keeps words
	deepRow []float32 // the same of deep ones
	inflate io.ReadCloser
	zstd    *zstd.Decoder

	shown  bool  // there is a row at least
	damage error // the first
}

func (d *decoder) close() {
	if d.zstd != nil {
		d.zstd.Close()
	}
}

// segments reads all that is shown. Damage is an error only where nothing is left.
func (d *decoder) segments() error {
	for plane := range d.planes {
		if d.planes > 1 && len(d.channelsOf(plane)) == 0 {
			continue
		}
		for i := range d.grid.across * d.grid.down {
			if err := d.ctx.Err(); err != nil {
				return err
			}
			rows, err := d.readSegment(plane, i)
			if d.ctx.Err() != nil {
				return d.ctx.Err()
			}
			d.shown = d.shown || rows > 0
			if d.damage == nil {
				d.damage = err
			}
		}
	}
	if !d.shown {
		return d.damage
	}
	return nil
}

func (d *decoder) warnings() []string {
	if d.damage == nil {
		return nil
	}
	return []string{fmt.Sprintf("the TIFF is damaged or was cut off: part of the picture is missing (%v)", d.damage)}
}

// readSegment decodes one strip or tile into the canvas. rows is how many rows of it there
// were; fewer than it should have are an error.
func (d *decoder) readSegment(plane, index int) (rows int, err error) {
	x, y := index%d.grid.across*d.grid.width, index/d.grid.across*d.grid.height
	data, err := d.decompress(d.compressed(plane*d.grid.across*d.grid.down + index))
	size := image.Pt(min(d.grid.width, d.width-x), min(d.grid.height, d.height-y))
	if d.subX*d.subY > 1 {
		rows = d.drawUnits(data, x, y, size)
	} else {
		rows = d.drawRows(data, plane, x, y, size)
	}
	switch {
	case rows == size.Y && !errors.Is(err, errFilled):
		return rows, nil // whatever comes after
	case err == nil:
		err = malformed("pixels are missing")
	}
	return rows, err
}

// drawRows draws as many rows as there are data for, the last one perhaps in part.
func (d *decoder) drawRows(data []byte, plane, x, y int, size image.Point) (rows int) {
	length := int(d.rowBytes())
	for rows < size.Y && len(data) > 0 {
		row := data
		if len(row) < length {
			row = append(make([]byte, 0, length), row...)[:length]
			data = nil
		} else {
			row, data = row[:length], data[length:]
			rows++
		}
		d.undoPredictor(row)
		d.drawRow(row, plane, x, y, size.X)
		y++
	}
	return rows
}

// compressed is the data of a segment. Those of an uncompressed one have the length that
// its pixels need, whatever the file says, as Pillow has it.
func (d *decoder) compressed(index int) []byte {
	if index >= d.grid.offsets.len() {
		return nil
	}
	offset, count := d.grid.offsets.uint(index), d.grid.counts.uint(index)
	// However badly compressed, a segment does not grow by more than this.
	const worst, more = 8, 1 << 20
	most := uint64(d.segmentBytes())*worst + more
	switch {
	case d.compression == uncompressed:
		count = uint64(d.segmentBytes())
	case count == 0 || d.hasWholeJPEG():
		count = uint64(len(d.data))
	}
	data := d.slice(offset, min(count, most))
	if !d.fillsFromLow() {
		return data
	}
	d.turned = reverseBits(d.turned[:0], data)
	return d.turned
}

// fillsFromLow reports whether the first pixel is in the lowest bit of a byte.
func (p *page) fillsFromLow() bool {
	return p.number(tagFillOrder, 1) == 2 && !p.leavesChroma()
}

// decompress returns the bytes of rows, with an error where some are missing.
func (d *decoder) decompress(data []byte) ([]byte, error) {
	if d.compression == uncompressed {
		return data, nil
	}
	if len(data) == 0 {
		return nil, malformed("pixels are beyond its end: the file was cut off")
	}
	if d.segment == nil {
		d.segment = make([]byte, d.segmentBytes())
	}
	n, err := codecs[d.compression](d, d.segment, data)
	return d.segment[:n], explained(err)
}

// explained makes an error of this package of that of a library.
func explained(err error) error {
	var format FormatError
	var unsupported UnsupportedError
	if err == nil || errors.As(err, &format) || errors.As(err, &unsupported) {
		return err
	}
	return malformed("its compressed data are damaged or end early (%v)", err)
}
