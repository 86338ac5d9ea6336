package decode

import (
	"bytes"
	"image"
	"math"

	"golang.org/x/image/webp"

	"polylens/indexer/decode/tiff"
)

func tiffConfig(t task) (image.Config, error) {
	h, err := tiff.ReadHeader(t.data)
	return image.Config{Width: h.Width, Height: h.Height}, err
}

func decodeTIFF(t task) (image.Image, error) {
	img, warnings, err := tiff.Decode(t.ctx, t.data, tiff.Codecs{WebP: webpInside})
	for _, warning := range warnings {
		if err == nil {
			err = t.damaged(warning)
		}
	}
	return img, err
}

// webpInside decodes a WebP without regard to what else may be in it.
func webpInside(data []byte) (image.Image, error) {
	img, err := webp.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return plain(img, "webp", image.Config{}), nil
}

// readTIFFHeader takes over what decoding will take.
func (m *metadata) readTIFFHeader(data []byte) {
	const most = math.MaxInt64 / 2 // so that more can be added
	if h, err := tiff.ReadHeader(data); err == nil {
		m.memory = min(h.Memory, most)
	}
}
