package text

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestQuotes: what is quoted is the text itself to a pattern and to a shell.
func TestQuotes(t *testing.T) {
	for _, s := range []string{"", "plain", `a*b?[c]\d`, `it's "so" $HOME`, "two\nlines", "ü"} {
		if matched, err := filepath.Match(QuoteGlob(s), s); err != nil || !matched {
			t.Errorf("%q does not match itself: %v", s, err)
		}
		said, err := exec.CommandContext(t.Context(), "/bin/sh", "-c", "printf %s "+QuoteShell(s)).Output()
		if err != nil || string(said) != s {
			t.Errorf("the shell reads %q of %q: %v", said, s, err)
		}
	}
	if matched, _ := filepath.Match(QuoteGlob("a*"), "ab"); matched {
		t.Error("a quoted pattern is a pattern")
	}
}
