package decode

import (
	"errors"
	"image"

	"polylens/indexer/decode/color"
	"polylens/indexer/decode/openjpeg"
	"polylens/indexer/decode/outside"
	"polylens/indexer/decode/turbo"
)

// Decoders that Decoder.Outside may have.
const (
	TurboJPEG = "turbojpeg"
	OpenJPEG  = "openjpeg"
)

const runSetup = `run "polylens setup"`

// MaybeRunChild must stand at the beginning of main, and of TestMain in packages whose
// tests decode with Decoder.Outside. See outside.MaybeRunChild.
func MaybeRunChild() {
	outside.MaybeRunChild(map[string]outside.Opener{TurboJPEG: turbo.OpenOutside, OpenJPEG: openjpeg.OpenOutside})
}

// outside lets another process decode the data of the task. finish makes the picture
// of the reply, before it is turned upright.
func (t task) outside(request outside.Request, finish func(outside.Reply) image.Image) (picture, error) {
	request.Data = t.data
	return t.holding(request.Memory+t.colorMemory(int64(request.Size.X)*int64(request.Size.Y)), func() (image.Image, image.Point, error) {
		reply, err := t.decoder.Outside.Decode(t.ctx, request)
		if err != nil {
			return nil, image.Point{}, explainOutside(err)
		}
		for _, warning := range reply.Warnings {
			t.warn(warning)
		}
		if reply.Profile != nil {
			t.colors = t.conversion(color.Source{Profile: string(reply.Profile)}, nil)
		}
		return t.finish(finish(reply)), t.upright(), nil
	})
}

// explainOutside gives the reason of all that is not said of the data.
func explainOutside(err error) error {
	switch {
	case errors.Is(err, outside.ErrMemory):
		return &fault{reason: TooManyPixels, err: err}
	case errors.Is(err, outside.ErrKilled), errors.Is(err, outside.ErrAbsent):
		return &fault{reason: Interrupted, err: err}
	case errors.Is(err, outside.ErrUnsupported), errors.Is(err, outside.ErrCrashed):
		return &fault{reason: Unsupported, err: err}
	}
	return err
}

// notInGo reports whether a library failed at what may be no fault of the picture.
func notInGo(err error) bool {
	for _, kind := range []error{outside.ErrRefused, outside.ErrUnsupported, outside.ErrMemory, outside.ErrCrashed, outside.ErrKilled, outside.ErrAbsent} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// cropped is the upper left part of a picture that a decoder has made.
func cropped(img image.Image, size image.Point) image.Image {
	switch m := img.(type) {
	case *image.Gray:
		m.Rect.Max = size
	case *image.NRGBA:
		m.Rect.Max = size
	case *image.CMYK:
		m.Rect.Max = size
	}
	return img
}
