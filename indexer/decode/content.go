package decode

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"polylens/internal/ordinary"
	"polylens/internal/patient"
)

// Content is a picture file in memory.
type Content struct {
	Name   string // for errors
	Data   []byte
	SHA256 string // of Data, hexadecimal
}

// NewContent takes data that is not from a file. The name is for errors only.
func NewContent(name string, data []byte) Content {
	sum := sha256.Sum256(data)
	return Content{Name: name, Data: data, SHA256: hex.EncodeToString(sum[:])}
}

// Read reads a regular file of at most limits.MaxBytes and returns at the
// deadline at the latest. Errors are *Error.
func Read(ctx context.Context, path string, limits Limits) (Content, error) {
	return ReadOpened(ctx, path, func(ctx context.Context) (*ordinary.File, error) { return ordinary.OpenContext(ctx, path) }, limits)
}

// Open opens a file to be read once, which whoever reads it closes. Its context, which is
// the file's as well, also has the deadline.
type Open = func(ctx context.Context) (*ordinary.File, error)

// ReadOpened is Read for a file that open opens, and that is closed then. The name is for
// errors only.
func ReadOpened(ctx context.Context, name string, open Open, limits Limits) (Content, error) {
	limits = limits.withDefaults()
	inner, cancel := context.WithTimeout(ctx, limits.Timeout)
	defer cancel()
	data, err := within(inner, func() ([]byte, error) { return readFile(inner, open, limits) }, func([]byte) {})
	if err == nil {
		return NewContent(name, data), nil
	}
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil { // which says nothing about the picture
		err = &fault{reason: Unreadable, setting: limits.Names.Timeout, err: fmt.Errorf(
			"%w, or is too slow: it was not read within %v", patient.ErrSilent, limits.Timeout)}
	}
	return Content{}, explain(ctx, inner, limits, name, "", err)
}

func readFile(ctx context.Context, open Open, limits Limits) ([]byte, error) {
	f, err := open(ctx)
	if err != nil {
		return nil, &fault{reason: Unreadable, err: err}
	}
	defer f.Close()
	data, err := f.ReadAll(limits.MaxBytes)
	if long := (*ordinary.TooLongError)(nil); errors.As(err, &long) {
		return nil, tooLarge(long.Size, limits)
	}
	if err != nil {
		return nil, &fault{reason: Unreadable, err: err}
	}
	return data, nil
}

func tooLarge(n int64, limits Limits) error {
	return beyond(TooLarge, limits.Names.MaxBytes, limits.MaxBytes, "it has %d bytes; the limit is", n)
}

// codec finds the codec by the data, and the data without what stands before them.
func (c Content) codec(limits Limits) (codec, []byte, error) {
	if n := int64(len(c.Data)); n > limits.MaxBytes {
		return codec{}, nil, tooLarge(n, limits)
	}
	found, before, err := find(c.Data)
	return found, c.Data[before:], err
}
