package decode

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/draw"
)

// thumbnailQuality is the quality of JPEGs, 1 to 100. Above it files grow faster than
// they improve.
const thumbnailQuality = 85

// Thumbnail encodes the picture with neither side longer than maxSide pixels,
// keeping its proportions and never enlarging it. It is a JPEG, or a PNG where
// the picture has transparency; contentType says which. Nothing of the
// metadata of the original is in it.
func Thumbnail(img image.Image, maxSide int) (data []byte, contentType string, err error) {
	b := img.Bounds()
	if b.Empty() || maxSide < 1 {
		return nil, "", fmt.Errorf("thumbnail: picture of %d x %d, side %d; want at least one pixel", b.Dx(), b.Dy(), maxSide)
	}
	small := image.NewRGBA(image.Rectangle{Max: fit(b.Size(), maxSide)})
	if small.Rect.Size() == b.Size() {
		draw.Draw(small, small.Rect, img, b.Min, draw.Src)
	} else {
		shrink(small, img)
	}
	var buf bytes.Buffer
	if small.Opaque() {
		contentType = "image/jpeg"
		err = jpeg.Encode(&buf, small, &jpeg.Options{Quality: thumbnailQuality})
	} else {
		contentType = "image/png"
		err = png.Encode(&buf, small)
	}
	if err != nil {
		return nil, "", fmt.Errorf("thumbnail: %w", err)
	}
	return buf.Bytes(), contentType, nil
}

// ThumbnailTarget is the Target for a caller of Thumbnail with maxSide.
func ThumbnailTarget(maxSide int) Target {
	return func(width, height int) (int, int) {
		size := fit(image.Pt(width, height), maxSide)
		return size.X, size.Y
	}
}

// fit returns the largest size of the same proportions, at least one pixel.
func fit(size image.Point, maxSide int) image.Point {
	long := max(size.X, size.Y)
	if long <= maxSide {
		return size
	}
	scale := func(v int) int { return max(1, (v*maxSide+long/2)/long) }
	return image.Pt(scale(size.X), scale(size.Y))
}

// averageSamples is how many pixels along each side AverageColor looks at.
const averageSamples = 64

// AverageColor returns the mean colour of the picture on a white background as
// "#rrggbb", to show before the picture has arrived. It samples a grid, so a
// large picture costs no more than a small one.
func AverageColor(img image.Image) string {
	b := img.Bounds()
	cols, rows := min(b.Dx(), averageSamples), min(b.Dy(), averageSamples)
	if b.Empty() {
		return "#ffffff"
	}
	var sum [3]uint64
	at := reading(img)
	for j := range rows {
		y := b.Min.Y + (2*j+1)*b.Dy()/(2*rows)
		for i := range cols {
			c := at(b.Min.X+(2*i+1)*b.Dx()/(2*cols), y)
			white := uint64(0xFFFF - c.A)
			sum[0], sum[1], sum[2] = sum[0]+uint64(c.R)+white, sum[1]+uint64(c.G)+white, sum[2]+uint64(c.B)+white
		}
	}
	n := uint64(cols*rows) * 0x101
	round := func(v uint64) uint64 { return (v + n/2) / n }
	return fmt.Sprintf("#%02x%02x%02x", round(sum[0]), round(sum[1]), round(sum[2]))
}

// reading reads pixels without making a value in memory of each, where the picture can.
func reading(img image.Image) func(x, y int) color.RGBA64 {
	if whole, ok := img.(*image.NRGBA); ok {
		return func(x, y int) color.RGBA64 {
			p := whole.Pix[whole.PixOffset(x, y):][:4]
			if p[3] != 0xFF {
				return whole.RGBA64At(x, y)
			}
			return color.RGBA64{R: uint16(p[0]) * 0x101, G: uint16(p[1]) * 0x101, B: uint16(p[2]) * 0x101, A: 0xFFFF} // without its divisions
		}
	}
	if direct, ok := img.(image.RGBA64Image); ok {
		return direct.RGBA64At
	}
	return func(x, y int) color.RGBA64 {
		r, g, b, a := img.At(x, y).RGBA()
		return color.RGBA64{R: uint16(r), G: uint16(g), B: uint16(b), A: uint16(a)}
	}
}
