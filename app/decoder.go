package main

import (
	"context"
	"image"
	"runtime"

	"polylens/app/setup"
	"polylens/indexer/decode"
	"polylens/indexer/decode/openjpeg"
	"polylens/indexer/decode/outside"
	"polylens/indexer/decode/turbo"
)

// newDecoder makes the decoder of pictures. A library that the user names must
// load; without any, JPEGs are decoded in Go, and JPEG 2000 is not. The libraries work
// in processes of their own, of which there are at most as many as decode at once.
func (p *program) newDecoder() (*decode.Decoder, error) {
	libraries := map[string]string{}
	for _, library := range []struct {
		decoder, item, given, loss string
		open                       func(path string) error
	}{
		{decode.TurboJPEG, setup.TurboJPEG, p.globals.Turbojpeg, "JPEGs that are progressive or wanted whole are decoded more slowly, rare and damaged ones not", openTurbo},
		{decode.OpenJPEG, setup.OpenJPEG, p.globals.Openjpeg, "JPEG 2000 is not decoded", openOpenJPEG},
	} {
		path, err := p.item(library.item)
		if err == nil || library.given == "" {
			err = library.open(path) // "" is the system's
		}
		switch {
		case err == nil:
			libraries[library.decoder] = path
		case library.given != "":
			return nil, err
		default:
			p.log.Info(library.loss, "reason", err)
		}
	}
	pool := outside.New(outside.Options{Libraries: libraries, Children: runtime.GOMAXPROCS(0), Memory: p.globals.DecodeMiB << 20})
	p.later(func(context.Context) error { return pool.Close() })
	return &decode.Decoder{Exact: p.globals.ExactDecode, Outside: pool}, nil
}

func openTurbo(path string) error {
	_, err := turbo.Open(path)
	return err
}

func openOpenJPEG(path string) error {
	_, err := openjpeg.Open(path)
	return err
}

// decodeFile decodes every pixel of a picture.
func (p *program) decodeFile(ctx context.Context, path string) (image.Image, error) {
	decoder, err := p.openDecoder()
	if err != nil {
		return nil, err
	}
	picture, _, err := decoder.File(ctx, path, nil, p.decodeLimits())
	return picture, err
}

// decodeLimits bounds each decoder, and the memory of all together.
func (p *program) decodeLimits() decode.Limits {
	g := p.globals
	return decode.Limits{
		MaxBytes: g.MaxBytes, MaxPixels: g.MaxPixels, MaxSide: g.MaxSide, Timeout: g.DecodeTime,
		MaxMemory: g.DecodeMiB << 20, Budget: p.decoding, RefuseDamaged: g.Damaged,
		Names: decode.Names{
			MaxBytes: "--max-picture-bytes", MaxPixels: "--max-picture-pixels", MaxSide: "--max-picture-side",
			Timeout: "--decode-timeout", MaxMemory: "--decode-memory", RefuseDamaged: "--refuse-damaged",
		},
	}
}
