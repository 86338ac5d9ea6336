package indexer

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"polylens/search"
)

func TestRunWaitsForTheIndex(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": picture(1), "b.png": picture(2)})
	b.index.setDown(fmt.Errorf("refused: %w", search.ErrUnavailable))
	waited := false
	_, err := b.Run(t.Context(), b.request(t), func(p Progress) {
		if p.State == StateWaiting {
			waited = true
			go b.index.setDown(nil)
		}
	})
	if err != nil || !waited {
		t.Errorf("got %v, waited %v", err, waited)
	}
	b.wantMirror(t)
}

func TestRunGivesUpOnTheIndex(t *testing.T) {
	b := newBench(t, Options{IndexPatience: 2 * time.Second, IndexTimeout: 500 * time.Millisecond})
	write(t, b.folder, map[string][]byte{"a.png": picture(1)})
	b.run(t)
	write(t, b.folder, map[string][]byte{"b.png": picture(2)})
	b.Indexer.index = failing{b.index} // Ensure works, Upsert does not
	report, err := b.Run(t.Context(), b.request(t), nil)
	if !errors.Is(err, search.ErrUnavailable) || !strings.Contains(err.Error(), "run it again") {
		t.Errorf("got %v, want search.ErrUnavailable and a remedy", err)
	}
	if report.Encoded != 1 {
		t.Errorf("got %+v, want the picture encoded", report)
	}
	b.Indexer.index = b.index
	after := b.run(t)
	wantCounts(t, "when it is back", after, counts{skipped: 2})
	if after.Repaired != 1 || b.encoder.encoded() != 2 {
		t.Errorf("repaired %d, encoded %d in all; want 1 and 2", after.Repaired, b.encoder.encoded())
	}
	b.index.hang = true
	if _, err := b.Run(t.Context(), b.request(t), nil); !errors.Is(err, search.ErrUnavailable) || !strings.Contains(err.Error(), "no answer") {
		t.Errorf("an index that hangs: got %v", err)
	}
	b.index.hang = false
	b.index.setDown(errors.New("dimension mismatch"))
	if _, err := b.Run(t.Context(), b.request(t), nil); err == nil || strings.Contains(err.Error(), "gave up") {
		t.Errorf("got %v, want the lasting error at once", err)
	}
}

type failing struct{ *fakeIndex }

func (failing) Upsert(context.Context, search.Key, []search.Row) error {
	return fmt.Errorf("connection refused: %w", search.ErrUnavailable)
}
