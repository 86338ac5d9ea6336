package decode

import (
	"errors"
	"image"

	"polylens/indexer/decode/raster"
)

// damaged is the policy for a picture that can be shown in part. sentence says what
// is missing of it: it becomes a warning beside the picture, or with
// Limits.RefuseDamaged the error that is returned.
func (t task) damaged(sentence string) error {
	if t.limits.RefuseDamaged {
		return &fault{reason: Corrupt, err: errors.New(sentence), setting: t.limits.Names.RefuseDamaged}
	}
	t.warn(sentence)
	return nil
}

// inPart applies the policy to what a decoder gives: a picture with
// *raster.Incomplete is shown as far as it goes, if it goes anywhere.
func (t task) inPart(img image.Image, err error) (image.Image, error) {
	var cut *raster.Incomplete
	if img == nil || !errors.As(err, &cut) || cut.Missing >= 1 {
		return img, err
	}
	if err := t.damaged(cut.Error()); err != nil {
		return nil, err
	}
	return img, nil
}
