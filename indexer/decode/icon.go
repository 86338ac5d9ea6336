package decode

import (
	"image"

	"polylens/indexer/decode/bmp"
	"polylens/indexer/decode/icns"
	"polylens/indexer/decode/ico"
)

const icon = "icns"

// inside is the task for the picture in an icon of macOS, which is that of a file of its
// own; all other tasks stay as they are.
func (t task) inside() (task, error) {
	if t.codec.name != icon {
		return t, nil
	}
	var err error
	if t.data, err = icns.Largest(t.data); err == nil {
		t.codec, _, err = find(t.data)
	}
	return t, err
}

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
