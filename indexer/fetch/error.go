package fetch

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Reason says in one word why a picture was not fetched.
type Reason string

const (
	BadURL      Reason = "bad_url"      // it cannot be used, whatever answers
	NotAllowed  Reason = "not_allowed"  // it leads where Polylens does not go
	NotFound    Reason = "not_found"    // the server does not have it, or such a host is not known
	Refused     Reason = "refused"      // the server does not give it to us
	Failed      Reason = "failed"       // the server answers with another status than success
	NotPicture  Reason = "not_picture"  // something else came, or nothing
	TooLarge    Reason = "too_large"    // it has too many bytes
	Redirected  Reason = "redirected"   // too often, or to where it must not
	Unreachable Reason = "unreachable"  // no connection, or it broke off
	Untrusted   Reason = "untrusted"    // the server's certificate is not good
	TooSlow     Reason = "too_slow"     // a deadline passed
	Resting     Reason = "host_resting" // the host failed again and again, or asks to be left alone
	Interrupted Reason = "interrupted"  // the caller's context ended
)

// Error is why a picture was not fetched. Its text names the URL and the remedy, but no
// secret of the URL, and no address that a name leads to.
type Error struct {
	URL    string // without user name, password and query, cut to a length that can be shown
	Reason Reason
	Status int // of HTTP, 0 if there was none
	// MayPass is whether the same URL may be fetched some time later.
	MayPass bool
	After   time.Duration // how long it takes at least, if that is known

	words string
	cause error
	again bool // it is worth another attempt at once
	host  bool // the host is to blame
}

// Error implements error.
func (e *Error) Error() string { return e.URL + ": " + e.words }

// Unwrap gives what caused it, whose text may hold secrets.
func (e *Error) Unwrap() error { return e.cause }

func fail(reason Reason, format string, args ...any) *Error {
	return &Error{Reason: reason, words: fmt.Sprintf(format, args...)}
}

// because keeps a cause whose text is not to be shown.
func (e *Error) because(cause error) *Error {
	e.cause = cause
	return e
}

// passing marks an error of a host that may answer if it is asked again.
func (e *Error) passing() *Error {
	e.MayPass, e.again, e.host = true, true, true
	return e
}

func interrupted(cause error) *Error {
	return &Error{Reason: Interrupted, MayPass: true, words: "it was not fetched, since the work was stopped", cause: cause}
}

// named completes the error of an address that was fetched on the way from another.
func named(err error, asked, at string) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	e.URL = asked
	if at != asked {
		e.words = "redirected to " + at + ", " + e.words
	}
	return e
}

// option is the remedy that an option is, in a sentence.
func option(name, remedy string) string {
	if name == "" {
		return ""
	}
	return fmt.Sprintf(" (%s %s)", name, remedy)
}

// short cuts a text and escapes what would disturb a terminal or a log.
func short(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}
