package decode

import (
	"errors"
	"image"

	"polylens/indexer/decode/isobmff"
	"polylens/indexer/decode/wasm"
)

// wasmBytesPerPixel bounds the decoders of HEIC and AVIF. HEIC takes 12 to 15 bytes, of
// 10 bits less than 27: its planes, those of RGB, and twice the picture. AVIF takes 24
// without subsampling, of 10 bits less than twice that, for a frame, its copy and twice
// the picture of 16 bits a channel.
func wasmBytesPerPixel(format string, m metadata) int64 {
	switch {
	case format == "heic" && m.deep:
		return 28
	case format == "heic":
		return 16
	case m.deep:
		return 44
	}
	return 26
}

// wasmFixed is what they take for a picture of any size.
func (t task) wasmFixed() int64 { return 16<<20 + 2*int64(len(t.data)) }

// wasmMemory bounds them.
func (t task) wasmMemory() int64 {
	return t.pixels()*wasmBytesPerPixel(t.codec.name, t.meta) + t.wasmFixed()
}

// containerConfig is the size that the container says.
func containerConfig(t task) (image.Config, error) {
	p, err := isobmff.Read(t.data)
	if err != nil {
		return image.Config{}, err
	}
	size := image.Pt(p.Width, p.Height)
	if t.codec.name == "heic" {
		size = turned(size, p.Orientation) // its decoder turns it
	}
	return image.Config{Width: size.X, Height: size.Y}, nil
}

func decodeAVIF(t task) (image.Image, error) {
	img, err := t.decodeAVIF()
	if err != nil {
		return nil, explainWASM(err)
	}
	return img, nil
}

// decodeAVIF keeps all bits for colours that are yet to be converted.
func (t task) decodeAVIF() (image.Image, error) {
	if t.colors != nil && t.meta.deep {
		return t.decoder.avif.DecodeDeep(t.ctx, t.data, t.config.Width, t.config.Height, t.wasmMemory())
	}
	return t.decoder.avif.Decode(t.ctx, t.data, t.config.Width, t.config.Height, t.wasmMemory())
}

func decodeHEIC(t task) (image.Image, error) {
	p, err := isobmff.Read(t.data)
	if err != nil {
		return nil, err
	}
	prepared, err := isobmff.Prepare(t.data)
	if err != nil {
		return nil, err
	}
	img, err := t.decoder.heic.Decode(t.ctx, prepared, p.Bits, t.pixels(), t.wasmMemory())
	if err != nil {
		return nil, explainWASM(err)
	}
	if size := img.Bounds().Size(); !p.Cropped && size != image.Pt(t.config.Width, t.config.Height) {
		return nil, faultf(Corrupt, "it has %d x %d pixels instead of %d x %d", size.X, size.Y, t.config.Width, t.config.Height)
	}
	if m, ok := img.(*image.YCbCr); ok {
		img = fromHEIC(m, p)
	}
	return t.withAlpha(img, p), nil
}

func explainWASM(err error) error {
	switch {
	case errors.Is(err, wasm.ErrMemory):
		return &fault{reason: TooManyPixels, err: err}
	case errors.Is(err, wasm.ErrDecode):
		return &fault{reason: Corrupt, err: err}
	}
	return &fault{reason: Unsupported, err: err} // the decoder does not run on this machine
}
