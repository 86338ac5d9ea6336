package indexer

import (
	"errors"
	"testing"
)

// A stranger's file cannot write lines of its own below the one that names it.
func TestReasonIsOneLine(t *testing.T) {
	if got := reason(errors.New("it says \"a\nskipped b\x1b[2J\u009b\x00\xff\"")); got != `it says "a skipped b [2J "` {
		t.Errorf("%q", got)
	}
}
