package indexer

import (
	"context"
	"errors"
	"image"
	"io/fs"
	"strings"
	"unicode"

	"polylens/indexer/decode"
)

// Picture is a decoded file.
type Picture struct {
	Image  image.Image // upright; smaller than the file's where the target allows
	Width  int         // of the picture in the file, upright
	Height int
	Format string
	Color  string // average, #rrggbb

	Warnings []string // see decode.Info

	Release func() // to be called once when Image is no longer needed
}

// Decoder reads picture files within its limits.
type Decoder interface {
	// Read returns the content of a picture file, which open opens and Read closes. The
	// name is for errors only.
	Read(ctx context.Context, name string, open decode.Open) (decode.Content, error)
	// Decode makes a picture of it that is large enough to be scaled to the
	// target; a nil target wants all of it.
	Decode(ctx context.Context, content decode.Content, target decode.Target) (Picture, error)
}

// DecodeWith returns a Decoder with limits. Let all decoders of a process share
// one decode.Decoder and one decode.Budget, which bounds the memory of pictures
// decoded at once.
func DecodeWith(decoder *decode.Decoder, limits decode.Limits) Decoder {
	return limitedDecoder{decoder, limits}
}

type limitedDecoder struct {
	decoder *decode.Decoder
	limits  decode.Limits
}

// Read implements Decoder.
func (d limitedDecoder) Read(ctx context.Context, name string, open decode.Open) (decode.Content, error) {
	return decode.ReadOpened(ctx, name, open, d.limits)
}

// Decode implements Decoder.
func (d limitedDecoder) Decode(ctx context.Context, content decode.Content, target decode.Target) (Picture, error) {
	picture, err := d.decoder.Decode(ctx, content, target, d.limits)
	if err != nil {
		return Picture{}, err
	}
	return Picture{
		Image: picture.Image, Width: picture.Width, Height: picture.Height, Format: picture.Format,
		Warnings: picture.Warnings, Color: decode.AverageColor(picture.Image), Release: picture.Release,
	}, nil
}

// mayPass reports whether an error of a Decoder is due to the moment, not to the
// file: such a picture is tried again on the next run.
func mayPass(err error) bool {
	var picture *decode.Error
	if errors.As(err, &picture) {
		switch picture.Reason {
		case decode.Unreadable, decode.TimedOut, decode.Busy, decode.Interrupted, decode.Stopped:
			return true
		}
		return false
	}
	var fileSystem *fs.PathError
	return errors.As(err, &fileSystem)
}

// reason is the text of an error as it is kept beside the URI: without the
// name, in valid UTF-8 and of limited length.
func reason(err error) string {
	text := err.Error()
	var picture *decode.Error
	if errors.As(err, &picture) {
		text = strings.TrimPrefix(text, "picture "+picture.URI+": ")
	}
	return cleanReason(text)
}

func cleanReason(text string) string {
	const longest = 500
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\x00", ""))
	if len(text) > longest {
		text = text[:longest]
	}
	return strings.ToValidUTF8(text, "")
}
