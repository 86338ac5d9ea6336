package decode

import "image/color"

// memory is what runGo takes at worst beside the data.
func (t task) memory() int64 { return t.decoderMemory() + t.colorMemory(t.pixels()) }

func (t task) decoderMemory() int64 {
	switch t.codec.name {
	case "heic": // and a copy of the file
		return t.pixels()*t.bytesPerPixel() + t.wasmFixed() + t.alphaMemory() + int64(len(t.data))
	case "avif":
		return t.pixels()*t.bytesPerPixel() + t.wasmFixed()
	case "jpeg":
		return t.jpegMemory()
	}
	return t.pixels()*t.bytesPerPixel() + t.meta.memory
}

// bytesPerPixel is what a decoder allocates at worst: the picture, its working
// copy (the memory of WebAssembly) and, after that, the upright
// picture.
func (t task) bytesPerPixel() int64 {
	switch format, deep := t.codec.name, t.config.ColorModel; {
	case format == "heic":
		return 3 + wasmBytesPerPixel(format, t.meta)
	case format == "avif":
		return 4 + wasmBytesPerPixel(format, t.meta)
	case format == "tiff": // turned upright; all else is metadata.memory
		return 4
	case format == "png" && (deep == color.NRGBA64Model || deep == color.RGBA64Model):
		return 16
	case format == "gif":
		return 4
	case t.meta.cut: // decoded twice, from data that are filled up
		return 28
	case t.meta.animated: // the canvas, too
		return 12
	}
	return 8
}

// jpegMemory is what image/jpeg takes, with the coefficients of a progressive picture,
// which are of 4 bytes, and what it takes to turn the picture.
func (t task) jpegMemory() int64 {
	const fixed, blocks = 1 << 20, 2 * 32 // sides are those of whole blocks
	pixels := float64(t.config.Width+blocks) * float64(t.config.Height+blocks)
	perPixel := t.meta.samples
	ycbcr, gray := t.config.ColorModel == color.YCbCrModel, t.config.ColorModel == color.GrayModel
	if !ycbcr && !gray {
		perPixel += 4 // converted
	}
	if t.meta.orientation > 1 {
		perPixel += t.turnedBytes(ycbcr || gray)
	}
	if t.meta.progressive {
		perPixel += 4 * t.meta.samples
	}
	return fixed + int64(pixels*perPixel)
}

// turnedBytes is what a pixel takes that is turned: by planes, or by way of RGBA.
func (t task) turnedBytes(planes bool) float64 {
	switch s := t.meta.samples; {
	case planes && (s == 1 || s == 3 || (s == 1.5 || s == 2) && t.meta.across <= 2 && t.config.Width%2 == 0 && t.config.Height%2 == 0):
		return s
	case planes:
		return 8
	}
	return 4
}
