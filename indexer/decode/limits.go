package decode

import (
	"context"
	"time"

	"golang.org/x/sync/semaphore"
)

// Limits bound what one picture may cost. A zero field has the default.
type Limits struct {
	MaxBytes  int64         // size of the file; default 256 MiB
	MaxPixels int64         // width times height; default 128 million
	MaxSide   int           // width and height in pixels; default 65,535
	MaxMemory int64         // bytes that decoding may take at worst; default 1 GiB
	Timeout   time.Duration // of one call; default 30 s

	RefuseDamaged bool // a picture that ends early or is damaged is an error; default: it is shown as far as it goes, with a warning

	Budget *Budget // shared by calls that run at the same time; default none
}

func (l Limits) withDefaults() Limits {
	l.MaxBytes = or(l.MaxBytes, 256<<20)
	l.MaxPixels = or(l.MaxPixels, 128e6)
	l.MaxSide = or(l.MaxSide, 65535)
	l.MaxMemory = or(l.MaxMemory, 1<<30)
	l.Timeout = or(l.Timeout, 30*time.Second)
	return l
}

func or[T int | int64 | time.Duration](v, missing T) T {
	if v == 0 {
		return missing
	}
	return v
}

// Budget bounds the memory of decoders that run at the same time, including those
// that a deadline has left behind, and of pictures until they are released. A decoder
// waits, within its own deadline, until its worst case fits.
type Budget struct {
	bytes int64
	sem   *semaphore.Weighted
}

// NewBudget returns a budget of so many bytes. A picture that needs more than that is
// decoded alone.
func NewBudget(bytes int64) *Budget {
	return &Budget{bytes, semaphore.NewWeighted(bytes)}
}

// take waits for memory and returns the function that gives it back.
func (b *Budget) take(ctx context.Context, bytes int64) (func(), error) {
	if b == nil {
		return func() {}, nil
	}
	n := min(bytes, b.bytes)
	if err := b.sem.Acquire(ctx, n); err != nil {
		return nil, err
	}
	return func() { b.sem.Release(n) }, nil
}

// bytesPerPixel is what a decoder allocates at worst: the picture, its working
// copy (coefficients of a progressive JPEG, the memory of WebAssembly) and, after that, the upright picture.
func bytesPerPixel(format string, m metadata) int64 {
	switch {
	case format == "heic":
		return 3 + wasmBytesPerPixel(format, m)
	case format == "avif":
		return 4 + wasmBytesPerPixel(format, m)
	case format == "jpeg" && m.progressive:
		return 16
	case format == "tiff": // turned upright; all else is metadata.memory
		return 4
	case format == "gif":
		return 4
	case m.animated: // the canvas, too
		return 12
	}
	return 8
}

// check refuses a size before any memory is taken for it.
func (l Limits) check(width, height int) error {
	if width <= 0 || height <= 0 {
		return faultf(Empty, "it says it has %d x %d pixels", width, height)
	}
	if width > l.MaxSide || height > l.MaxSide {
		return faultf(TooManyPixels, "%d x %d; the limit is %d on a side", width, height, l.MaxSide)
	}
	pixels := int64(width) * int64(height) // fits: both are at most MaxUint32 in every format
	if pixels > l.MaxPixels {
		return faultf(TooManyPixels, "%d x %d is %d pixels; the limit is %d", width, height, pixels, l.MaxPixels)
	}
	return nil
}

// take waits for the memory that decoding takes at worst and returns the
// function that gives it back.
func (l Limits) take(ctx context.Context, bytes int64) (func(), error) {
	if bytes > l.MaxMemory {
		return nil, faultf(TooManyPixels, "it may take %d MiB to decode; the limit of memory for decoding is %d", bytes>>20, l.MaxMemory>>20)
	}
	return l.Budget.take(ctx, bytes)
}
