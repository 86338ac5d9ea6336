package decode

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"math"

	"polylens/indexer/decode/turbo"
)

// headroom is how much longer than the target each side of a reduced picture
// remains: the rest is the resampling of the caller, which is the better one. An
// eighth is nothing but the mean of each block and needs more.
func headroom(denominator int) int {
	if denominator == 8 {
		return 3
	}
	return 2
}

// mostShift is the part of a pixel of the target by which what is shown may move
// at the far edge because a reduced side is rounded. It costs more likeness than
// the reduction itself; cameras make sides that need no rounding.
const mostShift = 1.0 / 16

// mostScanned bounds pixels times scans for Turbo, which no deadline can
// interrupt: some seconds. An ordinary progressive JPEG has ten scans.
const mostScanned = 2e9

// turbo tells whether the library is to try.
func (t task) turbo() bool {
	if t.codec.name != "jpeg" || t.decoder.Turbo == nil {
		return false
	}
	if m := t.config.ColorModel; m != color.YCbCrModel && m != color.GrayModel {
		return false // it would give other colours
	}
	return t.pixels()*t.scans() <= mostScanned
}

// scans counts at least the scans. Within coded data the marker cannot appear.
func (t task) scans() int64 { return int64(max(1, bytes.Count(t.data, []byte{0xFF, 0xDA}))) }

// refused tells that the library leaves the picture to image/jpeg, which judges
// it: what it calls corrupt, and how it says so, does not depend on what is
// installed.
func refused(err error) bool { return errors.Is(err, turbo.ErrRefused) }

// runTurbo decodes at the smallest size that is enough for the target.
func (t task) runTurbo() (picture, error) {
	denominator := t.denominator()
	width, height := turbo.Reduced(t.config.Width, denominator), turbo.Reduced(t.config.Height, denominator)
	return t.holding(t.turboMemory(width, height), func() (image.Image, image.Point, error) {
		img, err := t.decoder.Turbo.Decode(t.data, t.config.Width, t.config.Height, denominator)
		if err != nil {
			return nil, image.Point{}, err
		}
		// Rounded up, a last row or column can be one that is hardly in the picture.
		img.Rect.Max = image.Pt(nearest(t.config.Width, denominator), nearest(t.config.Height, denominator))
		return orient(img, t.meta.orientation), t.upright(), nil
	})
}

// nearest is a side after reduction, rounded, at least one pixel.
func nearest(side, denominator int) int { return max(1, (side+denominator/2)/denominator) }

// turboMemory is what runTurbo takes at worst: the picture, the upright picture,
// and in between the coefficients of a progressive JPEG or rows of another.
func (t task) turboMemory(width, height int) int64 {
	const perPixel, perCoefficients, rows = 4 + 4, 6, 16 * 6
	bytes := int64(width)*int64(height)*perPixel + int64(t.config.Width)*rows
	if t.meta.progressive {
		bytes += t.pixels() * perCoefficients
	}
	return bytes
}

// denominator is the largest reduction that leaves the headroom.
func (t task) denominator() int {
	if t.target == nil || t.decoder.Exact {
		return 1
	}
	size := t.upright()
	var want image.Point
	want.X, want.Y = t.target(size.X, size.Y)
	for _, denominator := range turbo.Denominators {
		if enough(size.X, want.X, denominator) && enough(size.Y, want.Y, denominator) {
			return denominator
		}
	}
	return 1
}

// enough tells whether a reduced side serves the target as well as the side.
func enough(side, target, denominator int) bool {
	reduced := nearest(side, denominator)
	off := math.Abs(float64(side)/float64(denominator)-float64(reduced)) / float64(reduced)
	return reduced >= headroom(denominator)*target && off*float64(target) <= mostShift
}
