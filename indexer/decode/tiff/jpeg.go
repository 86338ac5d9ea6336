package tiff

import (
	"bytes"
	"image"
	"image/jpeg"
	"io"
	"strings"
)

const (
	startOfImage = "\xff\xd8"
	endOfImage   = "\xff\xd9"
	// adobe says that four components are no YCbCr, without which image/jpeg refuses them.
	adobe = "\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
)

// unJPEG decodes a strip, tile or, in old style, a page into samples that stand together,
// as they were coded: what colors they are says the TIFF.
func (d *decoder) unJPEG(out, data []byte) (int, error) {
	stream, err := d.wholeJPEG(data)
	if err != nil {
		return 0, err
	}
	config, err := jpeg.DecodeConfig(d.reader(stream))
	if err != nil {
		return 0, asUnsupported(err)
	}
	if config.Width != d.grid.width || config.Height > d.grid.height {
		return 0, malformed("a JPEG of %d x %d stands where one of %d x %d should", config.Width, config.Height, d.grid.width, d.grid.height)
	}
	img, damage := jpeg.Decode(d.reader(stream))
	if damage != nil { // image/jpeg has no one error for data that end early
		if img, err = jpeg.Decode(d.filledUp(stream)); err != nil {
			return 0, asUnsupported(damage)
		}
	}
	n, err := d.interleave(out, img)
	if err == nil && damage != nil {
		err = errFilled
	}
	return n, err
}

// errFilled says that rows are there but not what they should be.
var errFilled = malformed("a JPEG inside ends early")

// filledUp adds to a JPEG that ends early what libjpeg makes up for it: zeros, enough for
// all its blocks.
func (d *decoder) filledUp(stream []byte) io.Reader {
	const perSample = 2
	zeros := io.LimitReader(zeroReader{}, perSample*d.segmentBytes())
	return io.MultiReader(d.reader(stream), zeros, strings.NewReader(endOfImage))
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func asUnsupported(err error) error {
	if e, ok := err.(jpeg.UnsupportedError); ok {
		return unsupported("a JPEG inside with %s", string(e))
	}
	return err
}

// wholeJPEG makes a JPEG of a segment.
func (d *decoder) wholeJPEG(data []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(data, []byte(startOfImage)):
		return d.withTables(data), nil
	case d.compression == oldJPEG:
		return d.withHeader(data)
	}
	return nil, malformed("a strip is not the JPEG that it should be")
}

// withTables puts the tables that strips have in common before a strip.
func (d *decoder) withTables(data []byte) []byte {
	var stream []byte
	stream = append(stream, startOfImage...)
	if d.photometric == separated {
		stream = append(stream, adobe...)
	}
	tables := bytes.TrimSuffix(bytes.TrimPrefix(d.tags[tagJPEGTables].raw, []byte(startOfImage)), []byte(endOfImage))
	stream = append(stream, tables...)
	return append(stream, data[len(startOfImage):]...)
}

// interleave takes the samples out of what image/jpeg made of them.
func (d *decoder) interleave(out []byte, img image.Image) (int, error) {
	size := img.Bounds().Size()
	together := d.together()
	n := size.X * size.Y * together
	switch m := img.(type) {
	case *image.Gray:
		if together == 1 {
			copyPlane(out, m.Pix, m.Stride, size, 1, 1, 0)
			return n, nil
		}
	case *image.YCbCr:
		if together == 3 {
			interleaveYCbCr(out, m)
			return n, nil
		}
	case *image.RGBA: // named R, G and B in the JPEG
		if together == 3 {
			for i := range together {
				copyPlane(out, m.Pix[i:], m.Stride, size, 4, together, i)
			}
			return n, nil
		}
	case *image.CMYK: // which image/jpeg has inverted, as Adobe would
		if together == 4 {
			copyPlane(out, m.Pix, m.Stride, image.Pt(4*size.X, size.Y), 1, 1, 0)
			for i := range out[:n] {
				out[i] = ^out[i]
			}
			return n, nil
		}
	}
	return 0, unsupported("a JPEG of other components than the %d samples of the page", together)
}

// copyPlane copies a plane whose samples are step bytes apart to every together-th byte
// from the first on.
func copyPlane(out, plane []byte, stride int, size image.Point, step, together, first int) {
	at := first
	for y := range size.Y {
		row := plane[y*stride:]
		for x := range size.X {
			out[at] = row[x*step]
			at += together
		}
	}
}
