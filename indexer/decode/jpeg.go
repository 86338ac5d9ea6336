package decode

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"slices"

	"polylens/indexer/decode/outside"
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

// errUnfit is returned by a way of decoding that does not suit this JPEG.
var errUnfit = errors.New("another decoder is to try")

// passedOn reports whether the picture is left to the next decoder, in the end to
// image/jpeg, which judges it: what is called corrupt, and how, does not depend on
// what is installed.
func passedOn(err error) bool {
	return errors.Is(err, errUnfit) || errors.Is(err, reduced.ErrRefused) || notInGo(err)
}

// runJPEG decodes by the fastest way there is, or else by the one that reads most.
func (t task) runJPEG() (picture, error) {
	unended := t
	if !ended(t.data) {
		if err := t.endJPEG(); err != nil {
			return picture{}, err
		}
	}
	if m := t.config.ColorModel; (m == color.YCbCrModel || m == color.GrayModel) && !t.meta.lateColors {
		// The others would get further colours wrong.
		for _, run := range []func() (picture, error){t.runReduced, t.runTurbo, unended.runDamaged} {
			if p, err := run(); !passedOn(err) {
				return p, err
			}
		}
	}
	p, err := t.runGo()
	if err == nil || t.ctx.Err() != nil || !judged(err) {
		return p, err
	}
	return unended.runTolerant(err) // which can tell how much is missing
}

// judged reports whether an error is image/jpeg's opinion of the picture.
func judged(err error) bool {
	var f *fault
	return !errors.As(err, &f)
}

var endOfImage = []byte{0xFF, 0xD9}

// ended reports whether a JPEG has an end marker, which other things may follow.
func ended(data []byte) bool {
	const most = 64 << 10
	return bytes.Contains(data[max(0, len(data)-most):], endOfImage)
}

// endJPEG adds the end marker. The picture may be whole without, but of a progressive
// one nobody knows how many scans there should be; libjpeg-turbo says what is missing.
func (t *task) endJPEG() error {
	if t.meta.progressive && !t.limits.RefuseDamaged && t.decoder.Outside.Has(TurboJPEG) {
		return nil
	}
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

// runTurbo decodes with libjpeg-turbo at the smallest size that is enough for the
// target.
func (t task) runTurbo() (picture, error) { return t.turboIfFit(false) }

// runDamaged decodes with libjpeg-turbo what it has refused, as far as it goes: it
// notices damage that image/jpeg takes for picture, and shows what follows as all others
// do who use it.
func (t task) runDamaged() (picture, error) {
	if t.limits.RefuseDamaged {
		return picture{}, errUnfit
	}
	return t.turboIfFit(true)
}

// turboIfFit decodes with libjpeg-turbo if it is there and may take what it needs.
func (t task) turboIfFit(tolerant bool) (picture, error) {
	points := t.points(turbo.Points[:])
	if !t.decoder.Outside.Has(TurboJPEG) || t.turboMemory(t.turboSize(points)) > t.limits.MaxMemory {
		return picture{}, errUnfit
	}
	return t.turbo(points, tolerant)
}

// runTolerant decodes with libjpeg-turbo what image/jpeg does not: rare variants, and
// damaged JPEGs as far as they go. Without it, the cause is the error.
func (t task) runTolerant(cause error) (picture, error) {
	var unsupported jpeg.UnsupportedError
	if t.limits.RefuseDamaged && !errors.As(cause, &unsupported) {
		return picture{}, &fault{reason: Corrupt, err: cause, setting: t.limits.Names.RefuseDamaged}
	}
	if !t.decoder.Outside.Has(TurboJPEG) {
		return picture{}, fmt.Errorf("%w (libjpeg-turbo would read more of it: %s)", cause, runSetup)
	}
	points := t.points(turbo.Points[:])
	if f, _ := findFrame(t.data); f.bits > 8 || f.lossless() {
		points = 8
	}
	p, err := t.turbo(points, !t.limits.RefuseDamaged)
	if errors.Is(err, outside.ErrRefused) && !t.limits.RefuseDamaged {
		if data, cut := untilUnknownMarker(t.data); cut {
			t.data = data
			p, err = t.turbo(points, true)
		}
	}
	if errors.Is(err, outside.ErrRefused) {
		return picture{}, fmt.Errorf("%w; %w", cause, err)
	}
	return p, err
}

// turbo decodes with libjpeg-turbo, in its own process.
func (t task) turbo(points int, tolerant bool) (picture, error) {
	size := t.turboSize(points)
	return t.outside(outside.Request{
		Decoder: TurboJPEG, Full: image.Pt(t.config.Width, t.config.Height), Size: size,
		Scale: points, Tolerant: tolerant, Memory: t.turboMemory(size),
	}, func(reply outside.Reply) image.Image {
		// Rounded up, a last row or column can be one that is hardly in the picture.
		return cropped(reply.Image, image.Pt(reduced.Side(t.config.Width, points), reduced.Side(t.config.Height, points)))
	})
}

func (t task) turboSize(points int) image.Point {
	return image.Pt(turbo.Reduced(t.config.Width, points), turbo.Reduced(t.config.Height, points))
}

// turboMemory is what it takes at worst: the data, the picture, the upright picture,
// and in between the coefficients of a progressive JPEG or rows of another.
func (t task) turboMemory(size image.Point) int64 {
	const perPixel, perDeepPixel, perCoefficients, rows = 4 + 4, 8 + 4, 6, 16 * 6
	each := int64(perPixel)
	if f, _ := findFrame(t.data); f.bits > 8 {
		each = perDeepPixel
	}
	bytes := int64(size.X)*int64(size.Y)*each + int64(t.config.Width)*rows + int64(len(t.data))
	if t.meta.progressive {
		bytes += t.pixels() * perCoefficients
	}
	return bytes
}

// points is how many samples of 8 are enough for the target: one of choices,
// which ascend, or 8, which is also for what looks otherwise when it is reduced, if
// there is memory for it.
func (t task) points(choices []int) int {
	if t.target == nil || t.decoder.Exact || t.saturates() && t.jpegMemory() <= t.limits.MaxMemory {
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
