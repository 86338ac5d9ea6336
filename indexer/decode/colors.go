package decode

import (
	"image"

	"polylens/indexer/decode/color"
)

// readColors finds out how to convert the picture to sRGB; nil is not at all. A
// picture whose colours cannot be understood is shown as if it were sRGB.
func (t task) readColors() *color.Conversion {
	return t.conversion(readSource(t.codec.name, t.data))
}

// conversion takes the error of what has found the source.
func (t task) conversion(source color.Source, err error) *color.Conversion {
	if err == nil {
		var conversion *color.Conversion
		if conversion, err = t.decoder.colors.Conversion(source); err == nil {
			return conversion
		}
	}
	t.warn("its colours are shown as if they were sRGB: " + err.Error())
	return nil
}

// warn says in one sentence what the picture lacks.
func (t task) warn(sentence string) {
	if t.warned != nil {
		*t.warned = append(*t.warned, sentence)
	}
}

// finish makes what a decoder has given into what is returned: in sRGB, of 8 bits,
// upright.
func (t task) finish(img image.Image) image.Image {
	if t.colors != nil {
		converted, err := t.colors.Apply(img)
		if err != nil {
			t.warn("its colours are shown as if they were sRGB: " + err.Error())
			converted = img
		}
		img = converted
	}
	if m, ok := img.(*image.Gray16); ok {
		img = eightBits(m)
	}
	return orient(img, t.meta.orientation)
}

// colorMemory is what a conversion takes at worst for so many pixels: a picture of
// four bytes where another kind cannot be converted in its place.
func (t task) colorMemory(pixels int64) int64 {
	if t.colors == nil {
		return 0
	}
	return 4 * pixels
}
