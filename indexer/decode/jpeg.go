package decode

import (
	"bytes"
	"errors"
	"image"
	"image/color"

	"polylens/indexer/decode/turbo"
)

// headroom is how much longer than the target each side of a reduced picture
// remains: the rest is the resampling of the caller, which is the better one.
const headroom = 2

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
	release, err := t.limits.take(t.ctx, t.turboMemory(width, height))
	if err != nil {
		return picture{}, err
	}
	defer release()
	img, err := t.decoder.Turbo.Decode(t.data, t.config.Width, t.config.Height, denominator)
	if err != nil {
		return picture{}, err
	}
	return picture{orient(img, t.meta.orientation), t.upright()}, nil
}

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
		if turbo.Reduced(size.X, denominator) >= headroom*want.X && turbo.Reduced(size.Y, denominator) >= headroom*want.Y {
			return denominator
		}
	}
	return 1
}
