package tiff

import (
	"bytes"
	stdlzw "compress/lzw"
	"compress/zlib"
	"context"
	"image"
	"image/draw"
	"io"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/image/tiff/lzw"

	"polylens/indexer/decode/tiff/fax"
)

// codec decompresses one segment into out, which has the length of a whole one. n is how
// much of it there is, with an error too. What comes after a whole segment is ignored.
type codec func(d *decoder, out, data []byte) (n int, err error)

// codecs are those of the values of tagCompression. What is uncompressed needs none.
var codecs = map[int]codec{
	uncompressed:   nil,
	faxRLE:         (*decoder).unfax,
	faxRLEWords:    (*decoder).unfax,
	faxGroup3:      (*decoder).unfax,
	faxGroup4:      (*decoder).unfax,
	lzwCompression: (*decoder).unLZW,
	oldJPEG:        (*decoder).unJPEG,
	jpegInTIFF:     (*decoder).unJPEG,
	deflate:        (*decoder).inflateZlib,
	oldDeflate:     (*decoder).inflateZlib,
	packBits:       (*decoder).unpackBits,
	lzmaInTIFF:     (*decoder).unLZMA,
	zstdInTIFF:     (*decoder).unZstd,
	webpInTIFF:     (*decoder).unWebP,
}

// readFull reads until out is full, looking at the context now and then.
func readFull(ctx context.Context, r io.Reader, out []byte) (n int, err error) {
	const chunk = 1 << 20
	for n < len(out) {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		k, err := io.ReadFull(r, out[n:min(n+chunk, len(out))])
		if n += k; err != nil {
			return n, err
		}
	}
	return n, nil
}

// reader reads data until the context ends.
func (d *decoder) reader(data []byte) io.Reader { return contextReader{d.ctx, bytes.NewReader(data)} }

type contextReader struct {
	ctx  context.Context
	data io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.data.Read(p)
}

func (d *decoder) inflateZlib(out, data []byte) (int, error) {
	var err error
	if d.inflate == nil {
		d.inflate, err = zlib.NewReader(bytes.NewReader(data))
	} else {
		err = d.inflate.(zlib.Resetter).Reset(bytes.NewReader(data), nil)
	}
	if err != nil {
		d.inflate = nil
		return 0, err
	}
	return readFull(d.ctx, d.inflate, out)
}

// unLZW also reads what software wrote before TIFF 5.0, whose codes begin at the low bit.
func (d *decoder) unLZW(out, data []byte) (int, error) {
	const literalBits = 8
	if len(data) > 1 && data[0] == 0 && data[1]&1 == 1 {
		r := stdlzw.NewReader(bytes.NewReader(data), stdlzw.LSB, literalBits)
		defer r.Close()
		return readFull(d.ctx, r, out)
	}
	r := lzw.NewReader(bytes.NewReader(data), lzw.MSB, literalBits)
	defer r.Close()
	return readFull(d.ctx, r, out)
}

// unpackBits follows section 9 of TIFF 6.0.
func (d *decoder) unpackBits(out, data []byte) (n int, err error) {
	for n < len(out) {
		if len(data) < 2 {
			return n, io.ErrUnexpectedEOF
		}
		count := int(int8(data[0]))
		switch {
		case count >= 0:
			k := copy(out[n:], data[1:min(count+2, len(data))])
			n, data = n+k, data[min(count+2, len(data)):]
		case count == -128:
			data = data[1:]
		default:
			end := min(n+1-count, len(out))
			for ; n < end; n++ {
				out[n] = data[1]
			}
			data = data[2:]
		}
	}
	return n, nil
}

func (d *decoder) unZstd(out, data []byte) (int, error) {
	if d.zstd == nil {
		var err error
		d.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderLowmem(true))
		if err != nil {
			return 0, err
		}
	}
	got, err := d.zstd.DecodeAll(data, out[:0:len(out)])
	return copy(out, got), err
}

func (d *decoder) unfax(out, data []byte) (int, error) {
	const twoDimensions, uncompressedMode = 1, 2
	options := d.number(tagT4Options, 0)
	kind := fax.Group4
	switch {
	case d.compression == faxRLE:
		kind = fax.RLE
	case d.compression == faxRLEWords:
		kind = fax.RLEWords
	case d.compression == faxGroup3 && options&uncompressedMode != 0:
		return 0, unsupported("the uncompressed mode of faxes")
	case d.compression == faxGroup3 && options&twoDimensions != 0:
		kind = fax.Group3Mixed
	case d.compression == faxGroup3:
		kind = fax.Group3
	}
	rows, err := fax.Decode(d.ctx, out, data, d.grid.width, kind)
	return rows * int(d.rowBytes()), err
}

func isFax(compression int) bool {
	switch compression {
	case faxRLE, faxRLEWords, faxGroup3, faxGroup4:
		return true
	}
	return false
}

func (d *decoder) unWebP(out, data []byte) (int, error) {
	if d.others.WebP == nil || d.together() != 3 && d.together() != 4 {
		return 0, unsupported("WebP of %d samples", d.together())
	}
	img, err := d.others.WebP(data)
	if err != nil {
		return 0, err
	}
	b := img.Bounds()
	if b.Dx() != d.grid.width || b.Dy() > d.grid.height {
		return 0, malformed("a WebP of %d x %d stands where one of %d x %d should", b.Dx(), b.Dy(), d.grid.width, d.grid.height)
	}
	pixels, ok := img.(*image.NRGBA)
	if !ok {
		pixels = image.NewNRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
		draw.Draw(pixels, pixels.Rect, img, b.Min, draw.Src)
	}
	n := 0
	for y := range b.Dy() {
		for row := pixels.Pix[y*pixels.Stride:][:4*b.Dx()]; len(row) > 0; row = row[4:] {
			n += copy(out[n:], row[:d.together()])
		}
	}
	return n, nil
}
