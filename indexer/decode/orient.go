package decode

import (
	"image"
	"image/draw"
)

// orient turns a picture upright. orientation is that of EXIF: what has to be
// done is nothing (1), mirror left to right (2), turn by 180 degrees (3),
// mirror top to bottom (4), transpose (5), turn right (6), transpose across
// the other diagonal (7), turn left (8).
func orient(img image.Image, orientation int) image.Image {
	if orientation <= 1 || orientation > 8 {
		return img
	}
	turn := func(pix []byte, stride, perPixel int) ([]byte, int, image.Rectangle) {
		size := img.Bounds().Size()
		p := plane{pix, stride, size.X, size.Y, perPixel}.turn(orientation)
		return p.pix, p.stride, image.Rect(0, 0, p.width, p.height)
	}
	switch m := img.(type) {
	case *image.Gray:
		pix, stride, r := turn(m.Pix, m.Stride, 1)
		return &image.Gray{Pix: pix, Stride: stride, Rect: r}
	case *image.Paletted:
		pix, stride, r := turn(m.Pix, m.Stride, 1)
		return &image.Paletted{Pix: pix, Stride: stride, Rect: r, Palette: m.Palette}
	case *image.NRGBA:
		pix, stride, r := turn(m.Pix, m.Stride, 4)
		return &image.NRGBA{Pix: pix, Stride: stride, Rect: r}
	case *image.RGBA:
		pix, stride, r := turn(m.Pix, m.Stride, 4)
		return &image.RGBA{Pix: pix, Stride: stride, Rect: r}
	case *image.CMYK:
		pix, stride, r := turn(m.Pix, m.Stride, 4)
		return &image.CMYK{Pix: pix, Stride: stride, Rect: r}
	case *image.NRGBA64:
		pix, stride, r := turn(m.Pix, m.Stride, 8)
		return &image.NRGBA64{Pix: pix, Stride: stride, Rect: r}
	case *image.RGBA64:
		pix, stride, r := turn(m.Pix, m.Stride, 8)
		return &image.RGBA64{Pix: pix, Stride: stride, Rect: r}
	case *image.YCbCr:
		if out := turnYCbCr(m, orientation); out != nil {
			return out
		}
	}
	return orient(toRGBA(img), orientation)
}

// toRGBA copies any picture; transparency survives as premultiplied alpha.
func toRGBA(img image.Image) *image.RGBA {
	b := img.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	draw.Draw(out, out.Rect, img, b.Min, draw.Src)
	return out
}

// turnYCbCr turns the planes one by one, which loses no colour. It returns nil where
// a chroma sample would no longer cover the same pixels: a mirrored side that the
// subsampling does not divide, and ratios that have no transpose.
func turnYCbCr(m *image.YCbCr, orientation int) *image.YCbCr {
	across, down, ratio := 1, 1, m.SubsampleRatio
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio444:
	case image.YCbCrSubsampleRatio420:
		across, down = 2, 2
	case image.YCbCrSubsampleRatio422:
		across, ratio = 2, image.YCbCrSubsampleRatio440
	case image.YCbCrSubsampleRatio440:
		down, ratio = 2, image.YCbCrSubsampleRatio422
	default:
		return nil
	}
	if orientation < 5 {
		ratio = m.SubsampleRatio
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	if w%across != 0 || h%down != 0 {
		return nil
	}
	luma := plane{m.Y, m.YStride, w, h, 1}.turn(orientation)
	cb := plane{m.Cb, m.CStride, w / across, h / down, 1}.turn(orientation)
	cr := plane{m.Cr, m.CStride, w / across, h / down, 1}.turn(orientation)
	return &image.YCbCr{
		Y: luma.pix, Cb: cb.pix, Cr: cr.pix, YStride: luma.stride, CStride: cb.stride,
		SubsampleRatio: ratio, Rect: image.Rect(0, 0, luma.width, luma.height),
	}
}

// plane is a rectangle of pixels of one size in memory.
type plane struct {
	pix                             []byte
	stride, width, height, perPixel int
}

// turn returns the upright copy. Moving one pixel right or down in it moves by
// a fixed number of bytes in the source.
func (p plane) turn(orientation int) plane {
	w, h := p.width, p.height
	right, down, start := p.perPixel, p.stride, 0
	lastX, lastY := (w-1)*p.perPixel, (h-1)*p.stride
	switch orientation {
	case 2:
		right, start = -right, lastX
	case 3:
		right, down, start = -right, -down, lastX+lastY
	case 4:
		down, start = -down, lastY
	case 5:
		right, down = down, right
	case 6:
		right, down, start = -down, right, lastY
	case 7:
		right, down, start = -down, -right, lastX+lastY
	case 8:
		right, down, start = down, -right, lastX
	}
	if orientation >= 5 {
		w, h = h, w
	}
	out := plane{make([]byte, w*h*p.perPixel), w * p.perPixel, w, h, p.perPixel}
	for y := range h {
		dst := out.pix[y*out.stride:][:out.stride]
		from := start + y*down
		if p.perPixel == 1 {
			for x := range dst {
				dst[x] = p.pix[from+x*right]
			}
			continue
		}
		for x := 0; x < len(dst); x += p.perPixel {
			copy(dst[x:x+p.perPixel], p.pix[from:from+p.perPixel])
			from += right
		}
	}
	return out
}
