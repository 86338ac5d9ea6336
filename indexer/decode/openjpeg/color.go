package openjpeg

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"

	"polylens/indexer/decode/outside"
)

// channel is one component of a picture.
type channel struct {
	samples []int32 // row after row
	size    image.Point
	bits    int // of a sample
	signed  bool
	alpha   alpha
}

// alpha says what a channel is for, as openjpeg.h numbers it.
type alpha int

const (
	isColor       alpha = 0
	isOpacity     alpha = 1
	premultiplied alpha = 2
)

// at is the sample for a pixel of a picture of that size, in 8 bits. A channel with
// fewer samples repeats them.
func (c channel) at(x, y int, size image.Point) byte {
	if c.size != size {
		x, y = x*c.size.X/size.X, y*c.size.Y/size.Y
	}
	v := int64(c.samples[y*c.size.X+x])
	if c.signed {
		v += 1 << (c.bits - 1)
	}
	most := int64(1)<<c.bits - 1
	return byte((min(max(v, 0), most)*255 + most/2) / most)
}

// Colour spaces, as openjpeg.h numbers them.
const (
	spaceUnspecified = 0
	spaceRGB         = 1
	spaceGray        = 2
	spaceYCC         = 3
	spaceExtendedYCC = 4
	spaceCMYK        = 5
)

// kind says which channels make the colours of a picture.
type kind struct {
	space         int // one of spaceRGB, spaceGray, spaceYCC and spaceCMYK
	colors        []int
	opacity       int // -1 without it
	premultiplied bool
}

// kindOf decides as the container says, and where it says nothing as other programs do.
func kindOf(channels []channel, space int, profile []byte) (kind, error) {
	k := kind{space: space, opacity: -1}
	for i, c := range channels {
		switch {
		case c.alpha == isColor:
			k.colors = append(k.colors, i)
		case k.opacity < 0:
			k.opacity, k.premultiplied = i, c.alpha == premultiplied
		}
	}
	if space == spaceExtendedYCC {
		return k, fmt.Errorf("%w: the color space e-sYCC", outside.ErrUnsupported)
	}
	if space == spaceCMYK || colorsOf(profile) == "CMYK" {
		k.space = spaceCMYK
		return k.with(4)
	}
	if n := len(k.colors); k.opacity < 0 && (n == 2 || n == 4) { // as usual without the box that says it
		k.opacity, k.colors = k.colors[n-1], k.colors[:n-1]
	}
	switch {
	case len(k.colors) == 1 || space == spaceGray:
		k.space = spaceGray
		return k.with(1)
	case space == spaceYCC, space == spaceUnspecified && len(k.colors) == 3 && subsampled(channels, k.colors):
		k.space = spaceYCC
	default:
		k.space = spaceRGB
	}
	return k.with(3)
}

// with checks the number of channels for colours.
func (k kind) with(n int) (kind, error) {
	if len(k.colors) != n {
		return k, fmt.Errorf("%w: %d components of color where %d are usual", outside.ErrUnsupported, len(k.colors), n)
	}
	return k, nil
}

// colorsOf is the colour space of an ICC profile's device (ICC.1, 7.2.6).
func colorsOf(profile []byte) string {
	if len(profile) < 20 {
		return ""
	}
	return string(profile[16:20])
}

func subsampled(channels []channel, colors []int) bool {
	first := channels[colors[0]].size
	for _, i := range colors[1:] {
		if channels[i].size != first {
			return true
		}
	}
	return false
}

// paint makes a picture of 8 bits: *image.Gray, *image.NRGBA or *image.CMYK.
func (k kind) paint(channels []channel, size image.Point, allocate func(int) ([]byte, error)) (image.Image, error) {
	perPixel := 4
	if k.space == spaceGray && k.opacity < 0 {
		perPixel = 1
	}
	pixels, err := allocate(size.X * size.Y * perPixel)
	if err != nil {
		return nil, err
	}
	stride, rect := size.X*perPixel, image.Rectangle{Max: size}
	var img draw.Image = &image.NRGBA{Pix: pixels, Stride: stride, Rect: rect}
	fill := k.nrgba
	switch {
	case perPixel == 1:
		img, fill = &image.Gray{Pix: pixels, Stride: stride, Rect: rect}, k.plain
	case k.space == spaceCMYK:
		img, fill = &image.CMYK{Pix: pixels, Stride: stride, Rect: rect}, k.plain
	}
	for y := range size.Y {
		for x := range size.X {
			fill(channels, x, y, size, pixels[y*stride+x*perPixel:][:perPixel])
		}
	}
	return img, nil
}

// plain takes the samples as they are.
func (k kind) plain(channels []channel, x, y int, size image.Point, pixel []byte) {
	for i := range pixel {
		pixel[i] = channels[k.colors[i]].at(x, y, size)
	}
}

func (k kind) nrgba(channels []channel, x, y int, size image.Point, pixel []byte) {
	first := channels[k.colors[0]].at(x, y, size)
	pixel[0], pixel[1], pixel[2], pixel[3] = first, first, first, 255
	if k.space != spaceGray {
		pixel[1], pixel[2] = channels[k.colors[1]].at(x, y, size), channels[k.colors[2]].at(x, y, size)
	}
	if k.space == spaceYCC {
		pixel[0], pixel[1], pixel[2] = color.YCbCrToRGB(pixel[0], pixel[1], pixel[2])
	}
	if k.opacity < 0 {
		return
	}
	pixel[3] = channels[k.opacity].at(x, y, size)
	if k.premultiplied && pixel[3] > 0 {
		for i := range 3 {
			pixel[i] = byte(min(int(pixel[i])*255/int(pixel[3]), 255))
		}
	}
}
