package tiff

import (
	"encoding/binary"
	"image"
	"image/color"
)

// finish makes a picture of the canvas.
func (d *decoder) finish() image.Image {
	switch {
	case d.deep() && d.keepsWords():
		d.canvas.words = rescale[uint16](d, d.canvas.points)
	case d.deep():
		d.canvas.bytes = rescale[byte](d, d.canvas.points)
	}
	d.canvas.points = nil
	if d.keepsWords() {
		return d.deepPicture(d.canvas.words)
	}
	return d.picture(d.canvas.bytes)
}

func (d *decoder) picture(pix []byte) image.Image {
	size, stride := image.Rect(0, 0, d.width, d.height), d.width*d.canvas.channels
	if d.photometric == separated {
		return &image.CMYK{Pix: pix, Stride: stride, Rect: size}
	}
	d.toRGB(pix)
	settle(d, pix)
	switch {
	case d.canvas.channels == 1 && d.photometric == palette:
		return &image.Paletted{Pix: pix, Stride: stride, Rect: size, Palette: d.palette()}
	case d.canvas.channels == 1:
		return &image.Gray{Pix: pix, Stride: stride, Rect: size}
	case d.alpha == notGiven || d.premultiplied:
		return &image.RGBA{Pix: pix, Stride: stride, Rect: size}
	}
	return &image.NRGBA{Pix: pix, Stride: stride, Rect: size}
}

func (d *decoder) deepPicture(words []uint16) image.Image {
	settle(d, words)
	pix := make([]byte, 2*len(words))
	for i, v := range words {
		binary.BigEndian.PutUint16(pix[2*i:], v)
	}
	size, stride := image.Rect(0, 0, d.width, d.height), 2*d.width*d.canvas.channels
	switch {
	case d.canvas.channels == 1:
		return &image.Gray16{Pix: pix, Stride: stride, Rect: size}
	case d.alpha == notGiven || d.premultiplied:
		return &image.RGBA64{Pix: pix, Stride: stride, Rect: size}
	}
	return &image.NRGBA64{Pix: pix, Stride: stride, Rect: size}
}

// toRGB turns colors that are neither grey nor RGB into RGB, in place.
func (d *decoder) toRGB(pix []byte) {
	switch {
	case d.photometric == ycbcr:
		d.conversion().convert(pix)
	case d.isLab():
		d.labToRGB(pix)
	case d.photometric == palette && d.canvas.channels == 4:
		colors := d.palette()
		for ; len(pix) >= 4; pix = pix[4:] {
			c := colors[pix[0]].(color.RGBA)
			pix[0], pix[1], pix[2] = c.R, c.G, c.B
		}
	}
}

// settle makes white the greatest value, and alpha what Go expects of it.
func settle[T byte | uint16](d *decoder, pix []T) {
	if d.photometric == whiteIsZero {
		invert(pix, d.canvas.channels)
	}
	switch {
	case d.canvas.channels == 1:
	case d.alpha == notGiven:
		makeOpaque(pix)
	case d.premultiplied:
		limitToAlpha(pix)
	}
}

func invert[T byte | uint16](pix []T, channels int) {
	if channels == 1 {
		for i, v := range pix {
			pix[i] = ^v
		}
		return
	}
	for ; len(pix) >= 4; pix = pix[4:] {
		pix[0], pix[1], pix[2] = ^pix[0], ^pix[1], ^pix[2]
	}
}

func makeOpaque[T byte | uint16](pix []T) {
	for i := 3; i < len(pix); i += 4 {
		pix[i] = ^T(0)
	}
}

// limitToAlpha makes what is brighter than its alpha valid.
func limitToAlpha[T byte | uint16](pix []T) {
	for ; len(pix) >= 4; pix = pix[4:] {
		a := pix[3]
		pix[0], pix[1], pix[2] = min(pix[0], a), min(pix[1], a), min(pix[2], a)
	}
}
