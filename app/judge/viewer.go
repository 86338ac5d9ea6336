package judge

import (
	"context"
	"errors"
	"image"
	"slices"

	"polylens/indexer/decode"
	"polylens/trainer/data"
	"polylens/trainer/evaluate"
)

// ImageEncoder gives one vector for each picture.
type ImageEncoder interface {
	EncodeImages(ctx context.Context, pictures []image.Image) ([][]float32, error)
}

// Model gives vectors of texts and pictures. *encoder.Encoder is one.
type Model interface {
	evaluate.TextEncoder
	ImageEncoder
}

// batch is how many pictures or texts are encoded together.
const batch = 8

// Viewer shows pictures to models in the way in which they are indexed.
type Viewer struct {
	Opener  data.Opener
	Decoder data.Decoder
	// Progress is called after each batch of what is counted, such as "pictures".
	Progress func(what string, done, of int)
	// Skipped is called for each picture that cannot be read.
	Skipped func(picture data.Picture, err error)
}

// Encode shows the pictures to models, and returns those that can be read with
// their vectors by each model. Pictures may be reduced to the size that target
// returns, nil for no reduction; each is read once, and a batch of them is in memory.
// It is an error if none can be read.
func (v Viewer) Encode(ctx context.Context, pictures []Picture, target decode.Target, models ...ImageEncoder) ([]Picture, [][][]float32, error) {
	var read []Picture
	vectors := make([][][]float32, len(models))
	done := 0
	for chunk := range slices.Chunk(pictures, batch) {
		kept, images, err := v.decode(ctx, chunk, target)
		if err != nil {
			return nil, nil, err
		}
		read = append(read, kept...)
		for i, model := range models {
			encoded, err := model.EncodeImages(ctx, images)
			if err != nil {
				return nil, nil, err
			}
			vectors[i] = append(vectors[i], encoded...)
		}
		done += len(chunk)
		v.Progress("pictures", done, len(pictures))
	}
	if len(read) == 0 {
		return nil, nil, errors.New("none of the pictures can be read")
	}
	return read, vectors, nil
}

// decode returns the pictures that can be read. The error is the context's.
func (v Viewer) decode(ctx context.Context, pictures []Picture, target decode.Target) ([]Picture, []image.Image, error) {
	var read []Picture
	var images []image.Image
	for _, picture := range pictures {
		decoded, err := v.decodeOne(ctx, picture.Place, target)
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		if err != nil {
			v.Skipped(picture.Place, err)
			continue
		}
		read = append(read, picture)
		images = append(images, decoded)
	}
	return read, images, nil
}

func (v Viewer) decodeOne(ctx context.Context, picture data.Picture, target decode.Target) (image.Image, error) {
	file, err := v.Opener.Bytes(ctx, picture)
	if err != nil {
		return nil, err
	}
	return v.Decoder.Decode(ctx, picture.String(), file, target)
}
