package decode

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Limits bound what one picture may cost. A zero field has the default.
type Limits struct {
	MaxBytes  int64         // size of the file; default 256 MiB
	MaxPixels int64         // width times height; default 1,000 million
	MaxSide   int           // width and height in pixels; default 65,535
	MaxMemory int64         // bytes that decoding may take at worst; default 1 GiB
	Timeout   time.Duration // of decoding once there is memory, and of waiting for that, each in all; default 30 s
	Budget    *Budget       // shared by calls that run at the same time; default none

	// RefuseDamaged refuses pictures that can be shown in part only. Otherwise they
	// come with Info.Warnings.
	RefuseDamaged bool

	// Names is what messages call these limits.
	Names Names
}

// Names is what the user calls the limits, such as "--max-picture-pixels". A message
// names no limit whose name is empty.
type Names struct {
	MaxBytes, MaxPixels, MaxSide, Timeout, RefuseDamaged string
	MaxMemory                                            string // of a limit in MiB
}

func (l Limits) withDefaults() Limits {
	l.MaxBytes = cmp.Or(l.MaxBytes, 256<<20)
	l.MaxPixels = cmp.Or(l.MaxPixels, 1e9)
	l.MaxSide = cmp.Or(l.MaxSide, 65535)
	l.MaxMemory = cmp.Or(l.MaxMemory, 1<<30)
	l.Timeout = cmp.Or(l.Timeout, 30*time.Second)
	return l
}

// check refuses a size before any memory is taken for it.
func (l Limits) check(width, height int) error {
	if width <= 0 || height <= 0 {
		return faultf(Empty, "it says it has %d x %d pixels", width, height)
	}
	if width > l.MaxSide || height > l.MaxSide {
		return beyond(TooManyPixels, l.Names.MaxSide, int64(l.MaxSide), "it has %d x %d pixels; on a side the limit is", width, height)
	}
	pixels := int64(width) * int64(height) // fits: both are at most MaxUint32 in every format
	if pixels > l.MaxPixels {
		return beyond(TooManyPixels, l.Names.MaxPixels, l.MaxPixels, "it has %d pixels; the limit is", pixels)
	}
	return nil
}

// take waits for the memory that decoding takes at worst and returns the
// function that gives it back.
func (l Limits) take(ctx context.Context, bytes int64) (func(), error) {
	if bytes > l.MaxMemory {
		return nil, beyond(TooManyPixels, l.Names.MaxMemory, l.MaxMemory>>20, "it may take %d MiB to decode; the limit of memory for decoding is", bytes>>20)
	}
	return l.Budget.take(ctx, bytes)
}

// beyond is the error for a limit that is passed: what is said, the limit's name if it
// has one, and its value. Large numbers have commas.
func beyond(reason Reason, name string, limit int64, format string, args ...any) error {
	english := message.NewPrinter(language.English)
	said := []string{english.Sprintf(format, args...), name, english.Sprint(limit)}
	said = slices.DeleteFunc(said, func(part string) bool { return part == "" })
	return &fault{reason: reason, err: errors.New(strings.Join(said, " ")), setting: name}
}
