package wasm

import (
	"bytes"
	"context"
	"image"
)

// AVIF decodes AVIF. The zero value is ready; it is safe for concurrent use.
type AVIF struct{ program program }

// Decode returns the first picture as it is stored, before the container's
// rotation and mirroring, in at most so many bytes of memory beside the result.
// Width and height are those that the container says: another size is an error.
func (d *AVIF) Decode(ctx context.Context, data []byte, width, height int, memory int64) (*image.RGBA, error) {
	var img *image.RGBA
	err := d.decode(ctx, data, width, height, memory, func(samples []byte, depth int) {
		img = image.NewRGBA(image.Rect(0, 0, width, height))
		copySamples(img.Pix, samples, depth)
	})
	return img, err
}

// DecodeDeep is Decode for all the bits of a picture that has more than 8. One that
// does not is brought to 16.
func (d *AVIF) DecodeDeep(ctx context.Context, data []byte, width, height int, memory int64) (*image.RGBA64, error) {
	var img *image.RGBA64
	err := d.decode(ctx, data, width, height, memory, func(samples []byte, depth int) {
		img = image.NewRGBA64(image.Rect(0, 0, width, height))
		widenSamples(img.Pix, samples, depth)
	})
	return img, err
}

// decode calls take with the samples, of so many bytes each.
func (d *AVIF) decode(ctx context.Context, data []byte, width, height int, memory int64, take func(samples []byte, depth int)) error {
	return d.program.run(ctx, avifBinary, memory, func(in *instance) {
		if samples, depth := decodeAVIF(in, data, width, height); in.err == nil {
			take(samples, depth)
		}
	})
}

// never is a value that no duration of a picture has.
var never = bytes.Repeat([]byte{0xFF}, 8)

// decodeAVIF calls decode of lib/decode.c, first for the header alone.
func decodeAVIF(in *instance, data []byte, width, height int) (samples []byte, depth int) {
	const headerOnly, everything, firstOnly = 1, 0, 0
	source, size := in.write(data), uint64(len(data))
	fields := in.allocate(4 * 4) // width, height, depth, count
	duration := in.write(never)
	decode := func(what, pixels uint64) {
		if in.call("decode", source, size, what, firstOnly, fields, fields+4, fields+8, fields+12, duration, pixels) == 0 {
			in.fail("%w", ErrDecode)
		}
	}
	decode(headerOnly, 0)
	if w, h := in.number(fields, 0), in.number(fields, 1); w != width || h != height {
		in.fail("%w: it has %d x %d pixels instead of %d x %d", ErrDecode, w, h, width, height)
	}
	depth = 1
	if in.number(fields, 2) > 8 {
		depth = 2
	}
	length := 4 * int64(width) * int64(height) * int64(depth)
	pixels := in.allocate(length)
	if in.err != nil {
		return nil, 0
	}
	decode(everything, pixels)
	// decode reports success even when there is no picture.
	if bytes.Equal(in.read(duration, int64(len(never))), never) {
		in.fail("%w", ErrDecode)
	}
	return in.read(pixels, length), depth
}

// widenSamples makes big-endian samples of 16 bits.
func widenSamples(to, from []byte, depth int) {
	if depth == 1 {
		for i, v := range from {
			to[2*i], to[2*i+1] = v, v
		}
		return
	}
	for i := 0; i+1 < len(from); i += 2 {
		to[i], to[i+1] = from[i+1], from[i]
	}
}

// copySamples keeps the high bytes of little-endian samples of 16 bits.
func copySamples(to, from []byte, depth int) {
	if depth == 1 {
		copy(to, from)
		return
	}
	for i := range len(from) / 2 {
		to[i] = from[2*i+1]
	}
}
