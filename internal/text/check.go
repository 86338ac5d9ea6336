package text

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Reasons for which Check refuses a text.
var (
	ErrNotUTF8 = errors.New("it is not valid UTF-8")
	ErrZero    = errors.New("it holds a zero character (NUL), which is not text")
)

// Check returns why a text cannot be used: ErrNotUTF8, ErrZero, or nil.
func Check(s string) error {
	switch {
	case !utf8.ValidString(s):
		return ErrNotUTF8
	case strings.IndexByte(s, 0) >= 0:
		return ErrZero
	}
	return nil
}

// NFC composes a text, so that texts which are canonically equivalent are equal.
// Bytes that are not UTF-8 stay as they are.
func NFC(s string) string { return norm.NFC.String(s) }

// Invalid wraps ErrNotUTF8 with the place of the first bad byte.
type Invalid struct {
	Line, Column int  // from 1; the column counts bytes
	Byte         byte // the first that is not UTF-8
}

// Error implements error and names the remedy.
func (e *Invalid) Error() string {
	return fmt.Sprintf("line %d is not UTF-8: byte 0x%02X at column %d; save the file as UTF-8", e.Line, e.Byte, e.Column)
}

// Unwrap lets errors.Is find ErrNotUTF8.
func (e *Invalid) Unwrap() error { return ErrNotUTF8 }

// CheckLines is nil for UTF-8, or an *Invalid. first is the number of the first
// line of data.
func CheckLines(data []byte, first int) error {
	if utf8.Valid(data) {
		return nil
	}
	line, begin := first, 0
	for at := 0; at < len(data); {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 {
			return &Invalid{Line: line, Column: at - begin + 1, Byte: data[at]}
		}
		if at += size; r == '\n' {
			line, begin = line+1, at
		}
	}
	return nil
}
