package indexer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"polylens/search"
)

const (
	firstPause = 200 * time.Millisecond
	longPause  = 10 * time.Second
)

// patience repeats calls to an index while they fail with search.ErrUnavailable;
// every other error ends the run at once.
type patience struct {
	whole   time.Duration // give up after this
	attempt time.Duration // deadline of one call
	room    func() error  // Options.Room
	log     *slog.Logger
}

// try calls call until it succeeds, fails for good, ctx ends or patience is
// exhausted. waiting, when not nil, is called when a pause begins and ends.
func (p patience) try(ctx context.Context, what string, waiting func(bool), call func(ctx context.Context) error) error {
	deadline := time.Now().Add(p.whole)
	for pause := firstPause; ; pause = min(2*pause, longPause) {
		err := p.once(ctx, call)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !errors.Is(err, search.ErrUnavailable):
			return fmt.Errorf("%s: %w", what, err)
		case p.room() != nil: // perhaps that is why
			return fmt.Errorf("%s: %w", what, p.room())
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
		return fmt.Errorf("no answer within %v: %w: %w", p.attempt, search.ErrUnavailable, err)
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
