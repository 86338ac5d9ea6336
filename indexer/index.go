package indexer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// ErrIndexUnavailable is what an Index wraps when it cannot be reached now and
// the call may succeed later. Calls that fail so are repeated; every other
// error ends the run at once.
var ErrIndexUnavailable = errors.New("index unavailable")

// Row is what the index holds for one image.
type Row struct {
	ID       string
	Vector   []float32 // unit length
	Metadata map[string]any
}

// Index holds the vectors of collections, each collection once for every
// model, and can lose everything: the catalogue fills it again.
type Index interface {
	// Ensure makes the index of a collection under a model ready for Upsert.
	Ensure(ctx context.Context, collection, fingerprint string, dimension int) error
	// Upsert inserts or replaces rows by ID; no ID occurs twice in rows.
	Upsert(ctx context.Context, collection, fingerprint string, rows []Row) error
	// Delete removes rows by ID. Unknown IDs are not an error.
	Delete(ctx context.Context, collection, fingerprint string, ids []string) error
	// IDs calls yield with every stored ID, each once.
	IDs(ctx context.Context, collection, fingerprint string, yield func(id string) error) error
	// Drop removes the index of a collection under a model. A missing one is
	// not an error.
	Drop(ctx context.Context, collection, fingerprint string) error
}

const (
	firstPause = 200 * time.Millisecond
	longPause  = 10 * time.Second
)

// patience repeats calls to an index that is unavailable for a while.
type patience struct {
	whole   time.Duration // give up after this
	attempt time.Duration // deadline of one call
	log     *slog.Logger
}

// try calls call until it succeeds, fails for good, ctx ends or patience is
// exhausted. waiting, when not nil, is told when a pause begins and ends.
func (p patience) try(ctx context.Context, what string, waiting func(bool), call func(ctx context.Context) error) error {
	deadline := time.Now().Add(p.whole)
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		err := p.once(ctx, call)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !errors.Is(err, ErrIndexUnavailable):
			return fmt.Errorf("%s: %w", what, err)
		case time.Now().Add(pause).After(deadline):
			return fmt.Errorf("%s: gave up after %v, nothing is lost, run it again when the index is back: %w", what, p.whole, err)
		}
		p.log.Warn("index unavailable, trying again", "what", what, "pause", pause, "error", err)
		if waiting != nil {
			waiting(true)
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
		if waiting != nil {
			waiting(false)
		}
	}
}

// once gives one call its deadline. An index that does not answer in time
// counts as unavailable.
func (p patience) once(ctx context.Context, call func(ctx context.Context) error) error {
	attempt, cancel := context.WithTimeout(ctx, p.attempt)
	defer cancel()
	err := call(attempt)
	if err != nil && attempt.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("no answer within %v: %w: %w", p.attempt, ErrIndexUnavailable, err)
	}
	return err
}

func sleep(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
