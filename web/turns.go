package web

import (
	"cmp"
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"polylens/indexer/catalog"
)

// turns lets only so many requests of a kind be at work, and of one key fewer, so that a
// quarter is left to others.
type turns struct {
	places   *semaphore.Weighted
	ofKey    int64
	patience time.Duration

	mu   sync.Mutex
	keys map[string]*share // by ID, of those that have a turn or wait for one
}

// share is what one key has of the turns.
type share struct {
	places *semaphore.Weighted
	users  int
}

func newTurns(places int, patience time.Duration) *turns {
	return &turns{
		places: semaphore.NewWeighted(int64(places)), ofKey: max(1, int64(places)*3/4),
		patience: patience, keys: make(map[string]*share),
	}
}

// enter waits for a turn, which leave ends. It is catalog.ErrBusy when none comes in time.
// Who waits for a turn of its own key's takes no place in the queue of all.
func (t *turns) enter(ctx context.Context) (leave func(), err error) {
	waiting, cancel := context.WithTimeout(ctx, t.patience)
	defer cancel()
	giveBack, err := t.enterShare(waiting, callerOf(ctx).rights)
	if err != nil {
		return nil, cmp.Or(ctx.Err(), catalog.ErrBusy)
	}
	if err := t.places.Acquire(waiting, 1); err != nil {
		giveBack()
		return nil, cmp.Or(ctx.Err(), catalog.ErrBusy)
	}
	return func() { t.places.Release(1); giveBack() }, nil
}

func (t *turns) enterShare(ctx context.Context, who *rights) (leave func(), err error) {
	if who == nil {
		return func() {}, nil
	}
	t.mu.Lock()
	own := t.keys[who.key.ID]
	if own == nil {
		own = &share{places: semaphore.NewWeighted(t.ofKey)}
		t.keys[who.key.ID] = own
	}
	own.users++
	t.mu.Unlock()
	if err := own.places.Acquire(ctx, 1); err != nil {
		t.forget(who.key.ID, own)
		return nil, err
	}
	return func() { own.places.Release(1); t.forget(who.key.ID, own) }, nil
}

// forget drops the share of a key that nobody uses any more.
func (t *turns) forget(key string, own *share) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if own.users--; own.users == 0 {
		delete(t.keys, key)
	}
}
