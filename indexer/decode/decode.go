package decode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"

	"polylens/indexer/decode/color"
	"polylens/indexer/decode/outside"
	"polylens/indexer/decode/raster"
	"polylens/indexer/decode/tiff"
	"polylens/indexer/decode/wasm"
)

// Version grows when files are read that were not before: what failed under an
// earlier one is worth another try.
const Version = 2

// Info describes a picture. Next to an error it holds what was found before the
// error.
type Info struct {
	Format        string // such as "jpeg", by content: a name of the table in format.go
	Width, Height int    // of the upright picture in the file, even where a smaller one is returned
	Size          int64  // of the file in bytes
	SHA256        string // of the file, hexadecimal

	// Warnings say, one sentence each, in what way the picture is less than its file
	// was meant to hold, such as that the file ends early.
	Warnings []string
}

// Decoder reads pictures. The zero value is ready, and reads every format at
// full size. It is safe for concurrent use: a process needs only one, which
// prepares the decoders of HEIC and AVIF when they are first needed.
type Decoder struct {
	// Outside runs C libraries in processes of their own: TurboJPEG speeds up JPEGs that
	// are progressive or wanted at full size, and reads rare and damaged ones, OpenJPEG
	// reads JPEG 2000. Nil does without.
	Outside *outside.Pool
	Exact   bool // every picture at full size, whatever the target

	heic   wasm.HEIC
	avif   wasm.AVIF
	colors color.Cache
}

// Target says to what size the caller will scale an upright picture of width x
// height pixels. The picture that is returned may then be smaller than the one
// in the file, but on both sides at least twice as long as the target, and such
// that scaling it gives nearly the same: a cosine of pixels above 0.998 on hard
// pictures. A nil Target wants the picture as it is in the file.
type Target func(width, height int) (targetWidth, targetHeight int)

// Picture is a decoded picture. Its memory counts against Limits.Budget until
// Release.
type Picture struct {
	Image image.Image
	Info
	release func()
}

// Release says that the image is no longer needed. It is called once. It does nothing
// to a Picture that came with an error.
func (p Picture) Release() {
	if p.release != nil {
		p.release()
	}
}

// File reads and decodes a regular file with a new Decoder. See Decoder.File.
func File(ctx context.Context, path string, limits Limits) (image.Image, Info, error) {
	return new(Decoder).File(ctx, path, nil, limits)
}

// File is Read and Decode, for a caller whose pictures no longer count against
// Limits.Budget once they are decoded.
func (d *Decoder) File(ctx context.Context, path string, target Target, limits Limits) (image.Image, Info, error) {
	content, err := Read(ctx, path, limits)
	if err != nil {
		return nil, Info{}, err
	}
	return d.unbounded(ctx, content, target, limits)
}

// Bytes is File for what is in memory already. The name is for errors only.
func (d *Decoder) Bytes(ctx context.Context, name string, data []byte, target Target, limits Limits) (image.Image, Info, error) {
	return d.unbounded(ctx, NewContent(name, data), target, limits)
}

func (d *Decoder) unbounded(ctx context.Context, content Content, target Target, limits Limits) (image.Image, Info, error) {
	picture, err := d.Decode(ctx, content, target, limits)
	picture.Release()
	return picture.Image, picture.Info, err
}

// Decode decodes a picture and turns it upright as its EXIF orientation says. Errors
// are *Error. It returns at the deadline at the latest; a decoder that is still busy
// then stops at its next read of the data, or, where it runs in WebAssembly (HEIC,
// AVIF), when the picture is done. The data must not change until then.
func (d *Decoder) Decode(ctx context.Context, content Content, target Target, limits Limits) (Picture, error) {
	limits = limits.withDefaults()
	inner := newClock(ctx, limits.Timeout)
	defer inner.stop()
	info := Info{Size: int64(len(content.Data)), SHA256: content.SHA256}
	c, data, err := content.codec(limits)
	if err != nil {
		return Picture{Info: info}, explain(ctx, inner, limits, content.Name, "", err)
	}
	info.Format = c.name
	var warned []string
	t := task{decoder: d, codec: c, ctx: inner, clock: inner, data: data, target: target, limits: limits, warned: &warned}
	p, err := within(inner, t.run, func(late picture) { late.release() })
	if err != nil && inner.keptWaiting() {
		err = &fault{reason: Busy, err: fmt.Errorf("others took all of the memory for decoding: %w", err), setting: limits.Names.MaxMemory}
	}
	if err != nil {
		return Picture{Info: info}, explain(ctx, inner, limits, content.Name, c.name, err)
	}
	info.Width, info.Height, info.Warnings = p.full.X, p.full.Y, warned
	return Picture{p.image, info, p.release}, nil
}

// within runs f and returns when it is done or the context ends; what f gives
// after that goes to discard.
func within[T any](ctx context.Context, f func() (T, error), discard func(T)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result)
	go func() {
		value, err := safely(f)
		select {
		case done <- result{value, err}:
		case <-ctx.Done():
			if err == nil {
				discard(value)
			}
		}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
}

// safely turns a panic of f into an error: decoders have panicked on hostile data
// before.
func safely[T any](f func() (T, error)) (value T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the decoder failed: %v", p)
		}
	}()
	return f()
}

// reader reads data until the context ends. It has ReadAt and no ReadByte, so
// that decoders neither copy the data nor read past the deadline for long.
func reader(ctx context.Context, data []byte) io.Reader {
	return &contextReader{ctx, bytes.NewReader(data)}
}

// untilDone reads r until the context ends.
func untilDone(ctx context.Context, r io.Reader) io.Reader { return streamReader{ctx, r} }

type streamReader struct {
	ctx context.Context
	r   io.Reader
}

func (s streamReader) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(p)
}

type contextReader struct {
	ctx  context.Context
	data *bytes.Reader
}

func (r *contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.data.Read(p)
}

func (r *contextReader) ReadAt(p []byte, off int64) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.data.ReadAt(p, off)
}

// explain makes the Error. outer is the caller's context; ctx also has the time
// limit.
func explain(outer, ctx context.Context, limits Limits, name, format string, err error) error {
	e := &Error{URI: name, Format: format, Reason: Corrupt, Err: err}
	var f *fault
	var unsupported raster.Unsupported
	var jpegUnsupported jpeg.UnsupportedError
	var pngUnsupported png.UnsupportedError
	var tiffUnsupported tiff.UnsupportedError
	switch {
	case errors.As(err, &f):
		e.Reason, e.Err, e.Setting = f.reason, f.err, f.setting
	case outer.Err() != nil:
		e.Reason, e.Err = Stopped, outer.Err()
	case ctx.Err() != nil:
		e.Reason, e.Setting = TimedOut, limits.Names.Timeout
		e.Err = fmt.Errorf("it takes longer than %v: %w", limits.Timeout, ctx.Err())
	case errors.As(err, &unsupported), errors.As(err, &jpegUnsupported), errors.As(err, &pngUnsupported), errors.As(err, &tiffUnsupported):
		e.Reason = Unsupported
	}
	return e
}
