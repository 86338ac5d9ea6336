package color

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"sync"
)

// Conversion converts pictures from one Source to sRGB. It is safe for concurrent use.
type Conversion struct {
	channels int // 1 of grey, 3 of RGB, 4 of CMYK
	shallow  func() table
	deep     func() table
}

// newConversion returns nil for what is sRGB already.
func newConversion(s Source) (*Conversion, error) {
	if s == (Source{}) {
		return nil, nil
	}
	f, err := s.formula()
	if err != nil {
		return nil, err
	}
	if f.isSRGB() {
		return nil, nil
	}
	return &Conversion{
		channels: f.channels,
		shallow:  sync.OnceValue(func() table { return newTable(f, shallow) }),
		deep:     sync.OnceValue(func() table { return newTable(f, deep) }),
	}, nil
}

// isSRGB reports whether the formula changes nothing that anybody would see.
func (f formula) isSRGB() bool {
	const visible = 1.5 / 255
	steps := [...]float64{0, 4, 12, 32, 64, 128, 192, 255}
	samples := make([]float64, f.channels)
	for i := range 8 * 8 * 8 {
		for c := range samples {
			samples[c] = steps[i>>(3*c)&7] / 255
		}
		for c, v := range f.convert(samples) {
			if f.channels == 4 || math.Abs(v-samples[c%f.channels]) > visible {
				return false
			}
		}
	}
	return true
}

// ErrOther is returned, wrapped, for a picture that has other channels than its
// profile.
var ErrOther = errors.New("the profile is for pictures of another kind")

// Apply converts a picture to *image.NRGBA, or to *image.Gray or *image.Paletted where
// it is such a picture and stays one. Transparency stays as it is. It may reuse the
// memory of img, which is not to be used afterwards, except when there is an error:
// then img is as it was.
func (c *Conversion) Apply(img image.Image) (image.Image, error) {
	if m, ok := img.(*image.Paletted); ok {
		return c.paletted(m)
	}
	in := rowsOf(img)
	if err := c.fits(in, img.Bounds()); err != nil {
		return nil, err
	}
	t := c.table(in.levels)
	if in.channels == 1 && neutral(t) {
		return gray(t, in, img.Bounds().Size()), nil
	}
	if t, ok := t.(directly); ok {
		if out := t.direct(img); out != nil {
			return out, nil
		}
	}
	return nrgba(t, in, img.Bounds().Size()), nil
}

// directly is a table that converts some kinds of pictures without going through rows.
type directly interface {
	// direct returns nil for another kind. It may write where img is.
	direct(img image.Image) *image.NRGBA
}

func (c *Conversion) table(levels int) table {
	if levels == deep {
		return c.deep()
	}
	return c.shallow()
}

// fits reports an error if the picture does not have the channels of the profile. Grey
// is RGB, and RGB is grey where it is so in every pixel.
func (c *Conversion) fits(in rows, bounds image.Rectangle) error {
	switch {
	case in.channels == c.channels, in.channels == 1 && c.channels == 3:
		return nil
	case in.channels == 3 && c.channels == 1 && allGray(in, bounds):
		return nil
	}
	names := map[int]string{1: "grey", 3: "RGB", 4: "CMYK"}
	return fmt.Errorf("%w: it is for %s, the picture is %s", ErrOther, names[c.channels], names[in.channels])
}

func allGray(in rows, bounds image.Rectangle) bool {
	samples := make([]uint16, perPixel*bounds.Dx())
	for y := range bounds.Dy() {
		in.read(samples, y)
		for s := samples; len(s) > 0; s = s[perPixel:] {
			if s[0] != s[1] || s[1] != s[2] {
				return false
			}
		}
	}
	return true
}

// neutral reports whether grey remains grey.
func neutral(t table) bool {
	const visible = 2
	var dst [4]byte
	for v := range shallow {
		t.row(dst[:], []uint16{wide(byte(v)), wide(byte(v)), wide(byte(v)), full})
		if max(dst[0], dst[1], dst[2])-min(dst[0], dst[1], dst[2]) > visible {
			return false
		}
	}
	return true
}

func nrgba(t table, in rows, size image.Point) *image.NRGBA {
	out := &image.NRGBA{Pix: in.pix, Stride: in.stride, Rect: image.Rectangle{Max: size}}
	if out.Pix == nil {
		out = image.NewNRGBA(out.Rect)
	}
	samples := make([]uint16, perPixel*size.X)
	for y := range size.Y {
		in.read(samples, y)
		t.row(out.Pix[y*out.Stride:][:4*size.X], samples)
	}
	return out
}

func gray(t table, in rows, size image.Point) *image.Gray {
	out := image.NewGray(image.Rectangle{Max: size})
	samples, row := make([]uint16, perPixel*size.X), make([]byte, 4*size.X)
	for y := range size.Y {
		in.read(samples, y)
		t.row(row, samples)
		for x := range size.X {
			out.Pix[y*out.Stride+x] = row[4*x+1]
		}
	}
	return out
}

// paletted converts the palette alone.
func (c *Conversion) paletted(m *image.Paletted) (image.Image, error) {
	colors := image.NewNRGBA(image.Rect(0, 0, len(m.Palette), 1))
	for i, entry := range m.Palette {
		colors.Set(i, 0, entry)
	}
	in := rowsOf(colors)
	if err := c.fits(in, colors.Rect); err != nil {
		return nil, err
	}
	colors = nrgba(c.table(in.levels), in, colors.Rect.Size())
	palette := make(color.Palette, len(m.Palette))
	for i := range palette {
		palette[i] = colors.NRGBAAt(i, 0)
	}
	out := *m
	out.Palette = palette
	return &out, nil
}
