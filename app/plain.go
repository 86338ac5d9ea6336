package main

import (
	"io"
	"strings"
	"unicode"
)

// plainWriter shows control characters as the replacement character: what files, servers
// and people's own words say must not move a terminal's cursor, or worse.
type plainWriter struct{ out io.Writer }

// Write implements io.Writer.
func (w plainWriter) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.out, strings.Map(plainRune, string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Unwrap is for what draws on the terminal itself, such as progress.
func (w plainWriter) Unwrap() io.Writer { return w.out }

func plainRune(r rune) rune {
	if unicode.IsControl(r) && r != '\n' && r != '\t' {
		return unicode.ReplacementChar
	}
	return r
}
