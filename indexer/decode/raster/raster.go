package raster

import (
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"math"
)

// Unsupported is the error for a rare variant of a format: it says what is rare.
type Unsupported string

// Error implements error.
func (u Unsupported) Error() string { return string(u) }

// Incomplete is returned beside a picture that is shown as far as its file goes.
type Incomplete struct {
	Missing float64 // share of the picture, 0 to 1
	Where   string  // "lower" or "upper"; "" for neither
	Damaged bool    // the file is whole, but its data make no sense from there on
}

// Error implements error: one sentence.
func (c *Incomplete) Error() string {
	why, where := "the file ends early", ""
	if c.Damaged {
		why = "the file is damaged"
	}
	if c.Where != "" {
		where = "the " + c.Where + " "
	}
	if percent := int(math.Round(100 * c.Missing)); percent > 0 {
		return fmt.Sprintf("%s: %s%d %% of the picture is missing", why, where, percent)
	}
	return why + ": less than 1 % of the picture is missing"
}

// Cut is the error for a picture of which so many of its rows, the first ones to be
// stored, could be read; nil if that is all of them. upwards says that the last row is
// stored first.
func Cut(read, rows int, upwards bool) error {
	if read >= rows {
		return nil
	}
	where := "lower"
	if upwards {
		where = "upper"
	}
	return &Incomplete{Missing: float64(rows-read) / float64(rows), Where: where}
}

// Reader reads numbers. Beyond the end it gives zeros and is Short from then on.
type Reader struct {
	Data  []byte
	At    int
	Order binary.ByteOrder
	Short bool
}

// Take returns the next n bytes, which are not to be changed; nil where there are
// fewer.
func (r *Reader) Take(n int) []byte {
	if n < 0 || n > len(r.Data)-r.At {
		r.Short, r.At = true, len(r.Data)
		return nil
	}
	r.At += n
	return r.Data[r.At-n : r.At]
}

func (r *Reader) number(size int) []byte {
	if b := r.Take(size); b != nil {
		return b
	}
	return make([]byte, size)
}

// Byte returns the next byte.
func (r *Reader) Byte() byte { return r.number(1)[0] }

// Uint16 returns the next two bytes.
func (r *Reader) Uint16() int { return int(r.Order.Uint16(r.number(2))) }

// Uint32 returns the next four bytes.
func (r *Reader) Uint32() uint32 { return r.Order.Uint32(r.number(4)) }

// Skip passes over n bytes.
func (r *Reader) Skip(n int64) {
	if n < 0 || n > int64(len(r.Data)-r.At) {
		r.Short, r.At = true, len(r.Data)
		return
	}
	r.At += int(n)
}

// Config is that of a picture with a palette, or of true colour without one.
func Config(width, height int, palette color.Palette) image.Config {
	config := image.Config{ColorModel: color.NRGBAModel, Width: width, Height: height}
	if palette != nil {
		config.ColorModel = palette
	}
	return config
}

// NewIndexed returns an opaque picture that is a *image.Paletted with a palette and a
// *image.NRGBA without, and the function that gives the bytes of a row of it.
func NewIndexed(width, height int, palette color.Palette) (m image.Image, row func(y int) []byte) {
	bounds := image.Rect(0, 0, width, height)
	if palette != nil {
		indices := image.NewPaletted(bounds, palette)
		return indices, func(y int) []byte { return Row(indices.Pix, indices.Stride, y) }
	}
	pixels := image.NewNRGBA(bounds)
	Opaque(pixels)
	return pixels, func(y int) []byte { return Row(pixels.Pix, pixels.Stride, y) }
}

// Row returns the bytes of row y of an image of bytes.
func Row(pix []byte, stride, y int) []byte { return pix[y*stride:][:stride:stride] }

// Scale maps a sample of 0 to most onto 0 to 255, rounded.
func Scale(v, most int) byte { return byte((min(v, most)*255 + most/2) / most) }

// Opaque sets the alpha of all pixels to 255.
func Opaque(m *image.NRGBA) {
	for i := 3; i < len(m.Pix); i += 4 {
		m.Pix[i] = 255
	}
}

// ConfigOf is that of the picture that New returns.
func ConfigOf(width, height, channels int) image.Config {
	config := image.Config{ColorModel: color.NRGBAModel, Width: width, Height: height}
	if channels == 1 {
		config.ColorModel = color.GrayModel
	}
	return config
}

// New returns a picture for samples of 8 bits, 1 to 4 of them a pixel, and the function
// that sets a row of it: a *image.Gray for one, else a *image.NRGBA, whose last channel
// is alpha for two and four. Rows that are not set are black, or transparent where there
// is alpha.
func New(width, height, channels int) (m image.Image, set func(y int, row []byte)) {
	bounds := image.Rect(0, 0, width, height)
	if channels == 1 {
		gray := image.NewGray(bounds)
		return gray, func(y int, row []byte) { copy(Row(gray.Pix, gray.Stride, y), row) }
	}
	img := image.NewNRGBA(bounds)
	if channels == 3 {
		Opaque(img)
	}
	return img, func(y int, row []byte) { spread(Row(img.Pix, img.Stride, y), row, channels) }
}

// spread makes four bytes of each pixel of two to four.
func spread(to, row []byte, channels int) {
	for x := 0; x < len(to)/4; x++ {
		from, pixel := row[x*channels:][:channels], to[4*x:][:4]
		if channels == 2 {
			pixel[0], pixel[1], pixel[2], pixel[3] = from[0], from[0], from[0], from[1]
			continue
		}
		copy(pixel, from)
	}
}
