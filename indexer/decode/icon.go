package decode

import (
	"image"

	"polylens/indexer/decode/bmp"
	"polylens/indexer/decode/ico"
)

// iconConfig is that of the largest picture in an icon.
func iconConfig(t task) (image.Config, error) {
	largest, err := ico.Largest(t.data)
	if err != nil {
		return image.Config{}, err
	}
	t.data = largest.Data
	if largest.PNG {
		return pngConfig(t)
	}
	return bmp.IconConfig(t.data)
}

func decodeIcon(t task) (image.Image, error) {
	largest, err := ico.Largest(t.data)
	if err != nil {
		return nil, err
	}
	t.data = largest.Data
	if largest.PNG {
		return decodePNG(t)
	}
	return t.inPart(bmp.DecodeIcon(t.ctx, t.data))
}
