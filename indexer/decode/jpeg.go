package decode

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"math"
	"slices"

	"polylens/indexer/decode/reduced"
	"polylens/indexer/decode/turbo"
)

// headroom is how much longer than the target each side of a reduced picture remains:
// the caller's resampling, which is better, does the rest. A reduction to an eighth
// is only the mean of each block and needs more headroom.
func headroom(points int) int {
	if points == 1 {
		return 3
	}
	return 2
}

// mostShift is how far, in pixels of the target, the picture may shift at its far
// edge because a reduced side is rounded. Such a shift changes the picture more than
// the reduction itself; cameras make sides that need no rounding.
const mostShift = 1.0 / 16

// mostScanned bounds pixels times scans for Turbo, which no deadline can interrupt,
// to a few seconds of work. An ordinary progressive JPEG has ten scans.
const mostScanned = 2e9

// errUnfit is returned by a way of decoding that does not suit this JPEG.
var errUnfit = errors.New("another decoder is to try")

// passedOn reports whether the picture is left to the next decoder, in the end to
// image/jpeg, which judges it: what is called corrupt, and how, does not depend on
// what is installed.
func passedOn(err error) bool {
	return errors.Is(err, errUnfit) || errors.Is(err, reduced.ErrRefused) || errors.Is(err, turbo.ErrRefused)
}

// runJPEG decodes by the fastest way there is.
func (t task) runJPEG() (picture, error) {
	if !ended(t.data) {
		if err := t.endJPEG(); err != nil {
			return picture{}, err
		}
	}
	if m := t.config.ColorModel; m != color.YCbCrModel && m != color.GrayModel || t.meta.lateColors {
		return t.runGo() // the others would get the colours wrong
	}
	for _, run := range []func() (picture, error){t.runReduced, t.runTurbo} {
		if p, err := run(); !passedOn(err) {
			return p, err
		}
	}
	return t.runGo()
}

var endOfImage = []byte{0xFF, 0xD9}

// ended reports whether a JPEG has an end marker, which other things may follow.
func ended(data []byte) bool {
	const most = 64 << 10
	return bytes.Contains(data[max(0, len(data)-most):], endOfImage)
}

// endJPEG adds the end marker. The picture may be whole without, but of a progressive
// one nobody knows how many scans there should be.
func (t *task) endJPEG() error {
	t.data = append(slices.Clip(t.data), endOfImage...)
	if !t.meta.progressive {
		return nil
	}
	return t.damaged("the file ends without its end marker: fine detail may be missing")
}

// runReduced decodes at the smallest size that is enough for the target, unless that
// is the full size.
func (t task) runReduced() (picture, error) {
	points := t.points(reduced.Points[:])
	if points == 8 || t.meta.progressive {
		return picture{}, errUnfit
	}
	return t.holding(t.reducedMemory(points), func() (image.Image, image.Point, error) {
		img, err := reduced.Decode(t.ctx, t.data, points)
		if err != nil {
			return nil, image.Point{}, err
		}
		return t.finish(img), t.upright(), nil
	})
}

// reducedMemory is what runReduced takes at worst: the picture, up to the end of
// its blocks, the upright picture, and tables.
func (t task) reducedMemory(points int) int64 {
	const perPixel, blocks, tables = 3 + 4, 16, 1 << 18
	width, height := reduced.Side(t.config.Width+blocks, points), reduced.Side(t.config.Height+blocks, points)
	pixels := int64(width) * int64(height)
	return pixels*perPixel + t.colorMemory(pixels) + tables
}

// scans counts at least the scans. Within coded data the marker cannot appear.
func (t task) scans() int64 { return int64(max(1, bytes.Count(t.data, []byte{0xFF, 0xDA}))) }

// runTurbo decodes with the library at the smallest size that is enough for the
// target.
func (t task) runTurbo() (picture, error) {
	if t.decoder.Turbo == nil || t.pixels()*t.scans() > mostScanned {
		return picture{}, errUnfit
	}
	points := t.points(turbo.Points[:])
	width, height := turbo.Reduced(t.config.Width, points), turbo.Reduced(t.config.Height, points)
	needed := t.turboMemory(width, height)
	if needed > t.limits.MaxMemory {
		return picture{}, errUnfit
	}
	return t.holding(needed, func() (image.Image, image.Point, error) {
		img, err := t.decoder.Turbo.Decode(t.data, t.config.Width, t.config.Height, points)
		if err != nil {
			return nil, image.Point{}, err
		}
		// Rounded up, a last row or column can be one that is hardly in the picture.
		img.Rect.Max = image.Pt(reduced.Side(t.config.Width, points), reduced.Side(t.config.Height, points))
		return t.finish(img), t.upright(), nil
	})
}

// turboMemory is what runTurbo takes at worst: the picture, the upright picture,
// and in between the coefficients of a progressive JPEG or rows of another.
func (t task) turboMemory(width, height int) int64 {
	const perCoefficients, rows = 6, 16 * 6
	perPixel := int64(4)
	if t.meta.orientation > 1 {
		perPixel += 4
	}
	bytes := int64(width)*int64(height)*perPixel + int64(t.config.Width)*rows
	if t.meta.progressive {
		bytes += t.pixels() * perCoefficients
	}
	return bytes
}

// points is how many samples of 8 are enough for the target: one of choices,
// which ascend, or 8.
func (t task) points(choices []int) int {
	if t.target == nil || t.decoder.Exact {
		return 8
	}
	size := t.upright()
	var want image.Point
	want.X, want.Y = t.target(size.X, size.Y)
	for _, points := range choices {
		if enough(size.X, want.X, points) && enough(size.Y, want.Y, points) {
			return points
		}
	}
	return 8
}

// enough reports whether a reduced side serves the target as well as the side.
func enough(side, target, points int) bool {
	small := reduced.Side(side, points)
	off := math.Abs(float64(side*points)/8-float64(small)) / float64(small)
	return small >= headroom(points)*target && off*float64(target) <= mostShift
}
