package data

import (
	"context"
	"image"

	"polylens/indexer/decode"
)

// Decoder turns the bytes of pictures into upright images. Several goroutines
// may do so at once.
type Decoder interface {
	// Decode reads a picture whose name is for errors. It may give a smaller one
	// than the file holds if that can be scaled to the target as well; a nil target
	// wants all of it.
	Decode(ctx context.Context, name string, content []byte, target decode.Target) (image.Image, error)
}

// DecodeWith gives the Decoder that indexing uses, within limits. Let all
// decoders of a process share one decode.Decoder and one decode.Budget.
func DecodeWith(decoder *decode.Decoder, limits decode.Limits) Decoder {
	return limited{decoder, limits}
}

type limited struct {
	decoder *decode.Decoder
	limits  decode.Limits
}

func (d limited) Decode(ctx context.Context, name string, content []byte, target decode.Target) (image.Image, error) {
	picture, _, err := d.decoder.Bytes(ctx, name, content, target, d.limits)
	for decode.IsBusy(err) && ctx.Err() == nil { // a training has time
		picture, _, err = d.decoder.Bytes(ctx, name, content, target, d.limits)
	}
	return picture, err
}
