package decode

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Reason says why a picture could not be decoded.
type Reason string

const (
	Unreadable    Reason = "unreadable"      // the file cannot be opened or read
	Empty         Reason = "empty"           // no bytes, or no pixels
	UnknownFormat Reason = "unknown format"  // not one of the formats of this package
	Unsupported   Reason = "unsupported"     // a rare variant of such a format
	Corrupt       Reason = "corrupt"         // damaged, or cut off, beyond what can be shown
	TooLarge      Reason = "too large"       // more bytes than Limits.MaxBytes
	TooManyPixels Reason = "too many pixels" // beyond MaxPixels, MaxSide or MaxMemory
	TimedOut      Reason = "timed out"       // not done after Limits.Timeout
	Busy          Reason = "busy"            // Limits.Budget had no room before the time was over; says nothing about the picture
	Interrupted   Reason = "interrupted"     // its decoder was ended from outside, or could not be started; says nothing about the picture
	Stopped       Reason = "stopped"         // the caller's context ended; says nothing about the picture
)

// remedies say what a user can do.
var remedies = map[Reason]string{
	Unreadable:    "check that the file exists and may be read",
	Empty:         "copy the picture again from where it came",
	UnknownFormat: "convert it to a format that is read, such as JPEG, PNG or TIFF",
	Unsupported:   "save it again as an ordinary JPEG or PNG",
	Corrupt:       "copy the picture again from where it came, or save it anew",
	TooLarge:      "make the file smaller",
	TooManyPixels: "scale the picture down",
	TimedOut:      "scale the picture down",
	Busy:          "try again later",
	Interrupted:   "try it again, and see that the machine has memory to spare",
}

// Error is the only type of error that this package returns about a picture.
type Error struct {
	URI    string // the name the caller gave
	Format string // as far as known, see Info
	Reason Reason
	Err    error

	// Setting is the name, by Limits.Names, of the limit that refused the picture; ""
	// for all other reasons, and where the limit has no name.
	Setting string
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "picture %s: %s", e.URI, e.Reason)
	if e.Format != "" {
		fmt.Fprintf(&b, " (%s)", e.Format)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if r := e.remedy(); r != "" {
		fmt.Fprintf(&b, "; %s", r)
	}
	return b.String()
}

// remedy also names the setting that would let the picture through.
func (e *Error) remedy() string {
	remedy := remedies[e.Reason]
	switch {
	case e.Setting == "":
		return remedy
	case e.Reason == Corrupt:
		return remedy + ", or take what is left of it without " + e.Setting
	}
	return remedy + ", or allow more with " + e.Setting
}

func (e *Error) Unwrap() error { return e.Err }

// IsBusy reports whether err is an Error of reason Busy.
func IsBusy(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Reason == Busy
}

// fault is an error that knows its reason; explain adds the rest.
type fault struct {
	reason  Reason
	err     error
	setting string // see Error
}

func (f *fault) Error() string { return f.err.Error() }
func (f *fault) Unwrap() error { return f.err }

func faultf(r Reason, format string, args ...any) error {
	return &fault{reason: r, err: fmt.Errorf(format, args...)}
}

// Readable lists the formats that are read, for people: "JPEG, PNG, ... and SGI".
func Readable() string {
	var names []string
	for _, c := range codecs {
		if !slices.Contains(names, c.title) {
			names = append(names, c.title)
		}
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
