package decode

import (
	"image"
	"image/draw"
)

// plain corrects what a format's decoder leaves to its caller.
func plain(img image.Image, format string, config image.Config) image.Image {
	switch m := img.(type) {
	case *image.Paletted:
		return onCanvas(m, m.Rect, image.Pt(config.Width, config.Height))
	case *image.YCbCr:
		if format == "webp" {
			return fromWebP(m, nil, 0)
		}
	case *image.NYCbCrA:
		return fromWebP(&m.YCbCr, m.A, m.AStride)
	}
	return img
}

// onCanvas places the first of several frames where it belongs on the canvas, if it
// does not fill it. The rest of the canvas is transparent.
func onCanvas(frame image.Image, place image.Rectangle, size image.Point) image.Image {
	if place == (image.Rectangle{Max: size}) {
		return frame
	}
	canvas := image.NewNRGBA(image.Rectangle{Max: size})
	draw.Draw(canvas, place, frame, frame.Bounds().Min, draw.Src)
	return canvas
}

// eightBits keeps the high bytes.
func eightBits(m *image.Gray16) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, m.Rect.Dx(), m.Rect.Dy()))
	for y := range m.Rect.Dy() {
		src := m.Pix[m.PixOffset(m.Rect.Min.X, m.Rect.Min.Y+y):]
		dst := out.Pix[y*out.Stride:][:out.Stride]
		for x := range dst {
			dst[x] = src[2*x]
		}
	}
	return out
}
