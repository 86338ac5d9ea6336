package main

import (
	"bytes"
	"strings"
	"testing"
)

// No control character of anybody's reaches a terminal.
func TestTerminalGetsPlainText(t *testing.T) {
	var out, errors bytes.Buffer
	if code := Main(t.Context(), []string{"no such\x1b[31m\u009b2J\x07command"}, terminal{in: strings.NewReader(""), out: &out, err: &errors}); code != exitUsage {
		t.Errorf("exit code %d", code)
	}
	if text := out.String() + errors.String(); strings.ContainsAny(text, "\x1b\u009b\x07") || !strings.Contains(text, "command") {
		t.Errorf("%q", text)
	}
	var shown bytes.Buffer
	n, err := plainWriter{&shown}.Write([]byte("größer\tis\nlow\r\x7f\xff赤"))
	if want := "größer\tis\nlow\ufffd\ufffd\ufffd赤"; err != nil || n != 21 || shown.String() != want {
		t.Errorf("%d, %v, %q", n, err, shown.String())
	}
}
