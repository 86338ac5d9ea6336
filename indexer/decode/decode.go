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
)

// Info describes a picture. With an error it holds what was found before it.
type Info struct {
	Format        string // "jpeg", "png", "gif", "webp", "bmp" or "tiff", by content
	Width, Height int    // of the upright picture
	Size          int64  // of the file in bytes
	SHA256        string // of the file, hexadecimal
}

// File reads and decodes a regular file. See Bytes.
func File(ctx context.Context, path string, limits Limits) (image.Image, Info, error) {
	limits = limits.withDefaults()
	inner, cancel := context.WithTimeout(ctx, limits.Timeout)
	defer cancel()
	data, err := within(inner, func() ([]byte, error) { return readFile(path, limits.MaxBytes) })
	if err != nil {
		return nil, Info{}, explain(ctx, inner, path, "", err)
	}
	return decodeBytes(ctx, inner, path, data, limits)
}

// Bytes decodes a picture and turns it upright as its EXIF orientation says.
// The name is for errors only, all of which are *Error. It returns at the
// deadline at the latest; a decoder that is still busy then ends at its next
// read of the data. The data must not change until then.
func Bytes(ctx context.Context, name string, data []byte, limits Limits) (image.Image, Info, error) {
	limits = limits.withDefaults()
	inner, cancel := context.WithTimeout(ctx, limits.Timeout)
	defer cancel()
	if n := int64(len(data)); n > limits.MaxBytes {
		return nil, Info{Size: n}, explain(ctx, inner, name, "", tooLarge(n, limits.MaxBytes))
	}
	return decodeBytes(ctx, inner, name, data, limits)
}

func decodeBytes(outer, ctx context.Context, name string, data []byte, limits Limits) (image.Image, Info, error) {
	sum := sha256.Sum256(data)
	info := Info{Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:])}
	c, err := find(data)
	if err != nil {
		return nil, info, explain(outer, ctx, name, "", err)
	}
	info.Format = c.name
	img, err := within(ctx, func() (image.Image, error) { return c.upright(ctx, data, limits) })
	if err != nil {
		return nil, info, explain(outer, ctx, name, c.name, err)
	}
	size := img.Bounds().Size()
	info.Width, info.Height = size.X, size.Y
	return img, info, nil
}

// upright checks the size, then decodes.
func (c codec) upright(ctx context.Context, data []byte, limits Limits) (image.Image, error) {
	if err := variant(c.name, data); err != nil {
		return nil, err
	}
	config, err := c.config(reader(ctx, data))
	if err != nil {
		return nil, err
	}
	meta := readMetadata(c.name, data)
	need := bytesPerPixel(c.name, meta.progressive)
	if err := limits.check(config.Width, config.Height, need); err != nil {
		return nil, err
	}
	release, err := limits.Budget.take(ctx, int64(config.Width)*int64(config.Height)*need)
	if err != nil {
		return nil, err
	}
	defer release()
	img, err := c.decode(reader(ctx, data))
	if err != nil {
		return nil, err
	}
	if img.Bounds().Empty() {
		return nil, faultf(Empty, "it has no pixels")
	}
	return orient(plain(img, c.name, config), meta.orientation), nil
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
