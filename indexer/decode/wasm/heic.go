package wasm

import (
	"context"
	"image"
)

// HEIC decodes HEIC. The zero value is ready; it is safe for concurrent use.
type HEIC struct{ program program }

// Decode returns the primary picture, upright: the container's rotation,
// mirroring and cropping are done. It is an *image.Gray, an *image.NRGBA or an
// *image.YCbCr, of which only the file's container can tell the matrix and the
// range. Transparency is left out. Decoding takes at most so many bytes of memory
// beside the result. A picture larger than most pixels is an error.
func (d *HEIC) Decode(ctx context.Context, data []byte, most, memory int64) (image.Image, error) {
	var img image.Image
	err := d.program.run(ctx, heicBinary, memory, func(in *instance) { img = decodeHEIC(in, data, most) })
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
func decodeHEIC(in *instance, data []byte, most int64) image.Image {
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
	pixels := in.allocate(planes.size())
	decode(everything, pixels)
	planes.fill(in.read(pixels, planes.size()))
	return img
}

// picture makes an empty picture and lists its planes.
func (h header) picture() (image.Image, planes) {
	rect := image.Rect(0, 0, h.width, h.height)
	switch h.colors {
	case colorsGray:
		img := image.NewGray(rect)
		return img, planes{{img.Pix, img.Stride, 1}}
	case colorsRGB:
		img := image.NewNRGBA(rect)
		return img, planes{{img.Pix, img.Stride, 4}}
	case colorsYCbCr:
		ratio, ok := ratios[h.chroma]
		if !ok {
			return nil, nil
		}
		img := image.NewYCbCr(rect, ratio)
		return img, planes{{img.Y, img.YStride, 1}, {img.Cb, img.CStride, 1}, {img.Cr, img.CStride, 1}}
	}
	return nil, nil
}

// plane is the part of a picture that lies in memory in one piece, without padding.
type plane struct {
	pix              []byte
	stride, perPixel int
}

func (p plane) rows() int { return len(p.pix) / p.stride }

// padded is the length of a row as libheif lays it out: for an even number of
// pixels, at least 64, and a multiple of 16 bytes.
func (p plane) padded() int {
	pixels := max(64, (p.stride/p.perPixel+1)&^1)
	return (pixels*p.perPixel + 15) &^ 15
}

// planes stand one after the other.
type planes []plane

func (p planes) size() int64 {
	var n int64
	for _, plane := range p {
		n += int64(plane.padded()) * int64(plane.rows())
	}
	return n
}

func (p planes) fill(from []byte) {
	if from == nil {
		return
	}
	for _, plane := range p {
		for y := range plane.rows() {
			copy(plane.pix[y*plane.stride:][:plane.stride], from)
			from = from[plane.padded():]
		}
	}
}
