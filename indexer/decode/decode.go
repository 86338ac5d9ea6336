package decode

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"os"

	"golang.org/x/image/tiff"

	"polylens/indexer/decode/turbo"
	"polylens/indexer/decode/wasm"
)

// Info describes a picture. With an error it holds what was found before it.
type Info struct {
	Format        string // "jpeg", "png", "gif", "webp", "bmp", "tiff", "heic" or "avif", by content
	Width, Height int    // of the upright picture in the file, also where a smaller one is returned
	Size          int64  // of the file in bytes
	SHA256        string // of the file, hexadecimal
}

// Decoder reads pictures. The zero value is ready, and reads every format at
// full size. It is safe for concurrent use: a process needs only one, which
// prepares the decoders of HEIC and AVIF when they are first needed.
type Decoder struct {
	Turbo *turbo.Library // reads JPEGs faster, and smaller where that is enough; nil does without
	Exact bool           // every picture at full size, whatever the target

	heic wasm.HEIC
	avif wasm.AVIF
}

// Target says to what size the caller will scale an upright picture of width x
// height pixels. The picture that is returned may then be smaller than the one
// in the file, but on both sides at least twice as long as the target, and such
// that scaling it gives nearly the same: a cosine of pixels above 0.998 on hard
// pictures. A nil Target wants the picture as it is in the file.
type Target func(width, height int) (targetWidth, targetHeight int)

// File reads and decodes a regular file with a new Decoder. See Decoder.Bytes.
func File(ctx context.Context, path string, limits Limits) (image.Image, Info, error) {
	return new(Decoder).File(ctx, path, nil, limits)
}

// Bytes decodes a picture with a new Decoder. See Decoder.Bytes.
func Bytes(ctx context.Context, name string, data []byte, limits Limits) (image.Image, Info, error) {
	return new(Decoder).Bytes(ctx, name, data, nil, limits)
}

// File reads and decodes a regular file. See Bytes.
func (d *Decoder) File(ctx context.Context, path string, target Target, limits Limits) (image.Image, Info, error) {
	limits = limits.withDefaults()
	inner, cancel := context.WithTimeout(ctx, limits.Timeout)
	defer cancel()
	data, err := within(inner, func() ([]byte, error) { return readFile(path, limits.MaxBytes) })
	if err != nil {
		return nil, Info{}, explain(ctx, inner, path, "", err)
	}
	return d.decode(ctx, inner, path, data, target, limits)
}

// Bytes decodes a picture and turns it upright as its EXIF orientation says.
// The name is for errors only, all of which are *Error. It returns at the
// deadline at the latest; a decoder that is still busy then ends at its next
// read of the data, and where that is not Go (HEIC, AVIF, JPEG with Turbo) with
// the picture. The data must not change until then.
func (d *Decoder) Bytes(ctx context.Context, name string, data []byte, target Target, limits Limits) (image.Image, Info, error) {
	limits = limits.withDefaults()
	inner, cancel := context.WithTimeout(ctx, limits.Timeout)
	defer cancel()
	if n := int64(len(data)); n > limits.MaxBytes {
		return nil, Info{Size: n}, explain(ctx, inner, name, "", tooLarge(n, limits.MaxBytes))
	}
	return d.decode(ctx, inner, name, data, target, limits)
}

func (d *Decoder) decode(outer, ctx context.Context, name string, data []byte, target Target, limits Limits) (image.Image, Info, error) {
	sum := sha256.Sum256(data)
	info := Info{Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:])}
	c, err := find(data)
	if err != nil {
		return nil, info, explain(outer, ctx, name, "", err)
	}
	info.Format = c.name
	t := task{decoder: d, codec: c, ctx: ctx, data: data, target: target, limits: limits}
	p, err := within(ctx, t.run)
	if err != nil {
		return nil, info, explain(outer, ctx, name, c.name, err)
	}
	info.Width, info.Height = p.full.X, p.full.Y
	return p.image, info, nil
}

// within runs f and returns when it is done or the context ends. A panic of f
// becomes an error: decoders of hostile data have had some.
func within[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if p := recover(); p != nil {
				r = result{err: fmt.Errorf("the decoder failed: %v", p)}
			}
			done <- r
		}()
		r.value, r.err = f()
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
}

// reader reads data until the context ends. It has ReadAt and no ReadByte, so
// that decoders neither copy the data nor read past the deadline for long.
func reader(ctx context.Context, data []byte) io.Reader {
	return &contextReader{ctx, bytes.NewReader(data)}
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

func readFile(path string, maxBytes int64) ([]byte, error) {
	// Before opening: to open a named pipe would wait for its writer.
	stat, err := os.Stat(path)
	if err != nil {
		return nil, &fault{Unreadable, err}
	}
	if !stat.Mode().IsRegular() {
		return nil, faultf(Unreadable, "it is not a regular file")
	}
	if stat.Size() > maxBytes {
		return nil, tooLarge(stat.Size(), maxBytes)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, &fault{Unreadable, err}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1)) // it may have grown
	if err != nil {
		return nil, &fault{Unreadable, err}
	}
	if int64(len(data)) > maxBytes {
		return nil, tooLarge(int64(len(data)), maxBytes)
	}
	return data, nil
}

func tooLarge(n, most int64) error {
	return faultf(TooLarge, "%d bytes; the limit is %d", n, most)
}

// explain makes the Error. outer is the caller's context, ctx has the time
// limit in addition.
func explain(outer, ctx context.Context, name, format string, err error) error {
	e := &Error{URI: name, Format: format, Reason: Corrupt, Err: err}
	var f *fault
	var jpegUnsupported jpeg.UnsupportedError
	var pngUnsupported png.UnsupportedError
	var tiffUnsupported tiff.UnsupportedError
	switch {
	case errors.As(err, &f):
		e.Reason, e.Err = f.reason, f.err
	case outer.Err() != nil:
		e.Reason, e.Err = Stopped, outer.Err()
	case ctx.Err() != nil:
		e.Reason, e.Err = TimedOut, ctx.Err()
	case errors.As(err, &jpegUnsupported), errors.As(err, &pngUnsupported), errors.As(err, &tiffUnsupported):
		e.Reason = Unsupported
	}
	return e
}
