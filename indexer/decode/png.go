package decode

import (
	"errors"
	"image"
	"image/png"

	"polylens/indexer/decode/mend"
	"polylens/indexer/decode/raster"
)

// pngConfig is that of a PNG, damaged or not.
func pngConfig(t task) (image.Config, error) {
	config, err := png.DecodeConfig(reader(t.ctx, t.data))
	if !mendable(t, err) {
		return config, err
	}
	mended, failed := mend.NewPNG(t.data)
	if failed != nil {
		return image.Config{}, failed
	}
	return png.DecodeConfig(mended)
}

// decodePNG decodes a PNG, a damaged one as far as it goes.
func decodePNG(t task) (image.Image, error) {
	img, err := png.Decode(reader(t.ctx, t.data))
	if !mendable(t, err) {
		return img, err
	}
	mended, failed := mend.NewPNG(t.data)
	if failed != nil {
		return nil, failed
	}
	img, err = png.Decode(untilDone(t.ctx, mended))
	if err != nil {
		return nil, err
	}
	return t.mended(img, mended.Missing())
}

// mendable reports whether an error of image/png is due to damage.
func mendable(t task, err error) bool {
	var unsupported png.UnsupportedError
	return err != nil && t.ctx.Err() == nil && !errors.As(err, &unsupported)
}

// mended applies the policy for pictures in part to what is missing of one.
func (t task) mended(img image.Image, missing error) (image.Image, error) {
	var cut *raster.Incomplete
	if missing == nil || errors.As(missing, &cut) {
		return t.inPart(img, missing)
	}
	return img, t.damaged(missing.Error())
}
