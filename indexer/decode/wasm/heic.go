package wasm

import (
	"context"
	"image"
)

// HEIC decodes HEIC. The zero value is ready; it is safe for concurrent use.
type HEIC struct{ program program }

// Decode returns the primary picture of a file that isobmff.Prepare has made, upright:
// the container's rotation, mirroring and cropping are done. It is an *image.Gray or an
// *image.YCbCr of 4:4:4, where chroma that is coded for several pixels is repeated. Only
// the file that it was made of can tell their matrix and range. Transparency is left out. Bits is the depth of its samples, as the container
// says, of which the highest 8 are kept. Decoding takes at most so many bytes of memory
// beside the result. A picture larger than most pixels is an error.
func (d *HEIC) Decode(ctx context.Context, data []byte, bits int, most, memory int64) (image.Image, error) {
	var img image.Image
	err := d.program.run(ctx, heicBinary, memory, func(in *instance) { img = decodeHEIC(in, data, bits, most) })
	if err != nil {
		return nil, err
	}
	return img, nil
}

// Constants of heif.h.
const (
	colorsYCbCr = 0
	colorsRGB   = 1
	colorsGray  = 2
)

var ratios = map[int]image.YCbCrSubsampleRatio{
	1: image.YCbCrSubsampleRatio420,
	2: image.YCbCrSubsampleRatio422,
	3: image.YCbCrSubsampleRatio444,
}

// header is what decode of lib/heif.c returns before it decodes.
type header struct{ width, height, colors, chroma int }

// decodeHEIC calls decode of lib/heif.c, first for the header alone.
func decodeHEIC(in *instance, data []byte, bits int, most int64) image.Image {
	const headerOnly, everything = 1, 0
	source, size := in.write(data), uint64(len(data))
	fields := in.allocate(5 * 4)
	decode := func(what, pixels uint64) {
		if in.call("decode", source, size, what, fields, fields+4, fields+8, fields+12, fields+16, pixels) == 0 {
			in.fail("%w", ErrDecode)
		}
	}
	decode(headerOnly, 0)
	h := header{in.number(fields, 0), in.number(fields, 1), in.number(fields, 2), in.number(fields, 3)}
	if n := int64(h.width) * int64(h.height); h.width <= 0 || h.height <= 0 || n > most {
		in.fail("%w: it has %d x %d pixels", ErrDecode, h.width, h.height)
	}
	if in.err != nil {
		return nil // before memory is taken for what it says
	}
	img, planes := h.picture()
	if img == nil {
		in.fail("%w: colours of kind %d, chroma of kind %d", ErrDecode, h.colors, h.chroma)
		return nil
	}
	planes.deep = bits > 8
	length := planes.size()
	pixels := in.allocate(length)
	planes.mark(in.read(pixels, length))
	decode(everything, pixels)
	samples := in.read(pixels, length)
	planes.deep = planes.deep && !planes.marked(samples)
	planes.fill(samples, bits)
	return img
}

// picture makes an empty picture and says how it comes.
func (h header) picture() (image.Image, layout) {
	rect := image.Rect(0, 0, h.width, h.height)
	switch h.colors {
	case colorsGray:
		img := image.NewGray(rect)
		return img, layout{planes: []plane{planeOf(img.Pix, img.Stride)}}
	case colorsRGB:
		img := image.NewYCbCr(rect, image.YCbCrSubsampleRatio444)
		return img, layout{planes: []plane{{h.width, h.height, 4, func(y int, row []byte) { takeIdentity(img, y, row) }}}}
	case colorsYCbCr:
		ratio, ok := ratios[h.chroma]
		if !ok {
			return nil, layout{}
		}
		img := image.NewYCbCr(rect, ratio)
		return img, layout{planes: []plane{planeOf(img.Y, img.YStride), planeOf(img.Cb, img.CStride), planeOf(img.Cr, img.CStride)}}
	}
	return nil, layout{}
}

// takeIdentity takes a row of RGBA that is red, green and blue by the identity matrix.
func takeIdentity(img *image.YCbCr, y int, row []byte) {
	from := y * img.YStride
	luma, blue, red := img.Y[from:][:img.YStride], img.Cb[from:][:img.YStride], img.Cr[from:][:img.YStride]
	for x := range luma {
		pixel := row[4*x : 4*x+4]
		luma[x], blue[x], red[x] = pixel[1], pixel[2], pixel[0]
	}
}
