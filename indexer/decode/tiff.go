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
	if err == nil && t.warned != nil {
		*t.warned = append(*t.warned, warnings...)
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

// readTIFFHeader takes over what the header of a whole TIFF says, where readTIFF reads the
// directories of EXIF, too.
func (m *metadata) readTIFFHeader(data []byte) {
	const most = math.MaxInt64 / 2 // so that more can be added
	if h, err := tiff.ReadHeader(data); err == nil {
		m.orientation, m.memory = h.Orientation, min(h.Memory, most)
	}
}
