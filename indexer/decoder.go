package indexer

import (
	"context"
	"errors"
	"image"
	"io/fs"
	"strings"

	"polylens/indexer/decode"
)

// Picture is a decoded file.
type Picture struct {
	Image  image.Image // upright; smaller than the file's where the target allows
	Width  int         // of the picture in the file, upright
	Height int
	Format string
	SHA256 string // of the file's bytes, hex
	Color  string // average, #rrggbb
}

// Decoder reads the picture file at a path within its limits. The picture is
// large enough to be scaled to the target; a nil target wants all of it.
type Decoder func(ctx context.Context, path string, target decode.Target) (Picture, error)

// NewDecoder gives a Decoder with limits that decodes in Go. See DecodeWith.
func NewDecoder(limits decode.Limits) Decoder {
	return DecodeWith(new(decode.Decoder), limits)
}

// DecodeWith gives a Decoder with limits. Let all decoders of a process share
// one decode.Decoder and one decode.Budget, which bounds the memory of pictures
// decoded at once.
func DecodeWith(decoder *decode.Decoder, limits decode.Limits) Decoder {
	return func(ctx context.Context, path string, target decode.Target) (Picture, error) {
		picture, info, err := decoder.File(ctx, path, target, limits)
		if err != nil {
			return Picture{}, err
		}
		return Picture{
			Image: picture, Width: info.Width, Height: info.Height, Format: info.Format,
			SHA256: info.SHA256, Color: decode.AverageColor(picture),
		}, nil
	}
}

// mayPass tells whether an error of a Decoder speaks of the moment, not of the
// file: such a picture is tried again on the next run.
func mayPass(err error) bool {
	var picture *decode.Error
	if errors.As(err, &picture) {
		switch picture.Reason {
		case decode.Unreadable, decode.TimedOut, decode.Stopped:
			return true
		}
		return false
	}
	var fileSystem *fs.PathError
	return errors.As(err, &fileSystem)
}

// reason is the text of an error as it is kept beside the URI: without the
// name, valid and not endless.
func reason(err error) string {
	const longest = 500
	text := err.Error()
	var picture *decode.Error
	if errors.As(err, &picture) {
		text = strings.TrimPrefix(text, "picture "+picture.URI+": ")
	}
	text = strings.ReplaceAll(text, "\x00", "")
	if len(text) > longest {
		text = text[:longest]
	}
	return strings.ToValidUTF8(text, "")
}
