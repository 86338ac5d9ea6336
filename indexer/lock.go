package indexer

import (
	"context"
	"sync"
)

// locks makes work on one collection exclusive.
type locks struct {
	mu   sync.Mutex
	held map[string]chan struct{} // by collection; of capacity 1, full while held
}

// lock waits for the collection and returns what releases it.
func (l *locks) lock(ctx context.Context, collection string) (unlock func(), err error) {
	held := l.of(collection)
	if err := send(ctx, held, struct{}{}); err != nil {
		return nil, err
	}
	return func() { <-held }, nil
}

func (l *locks) of(collection string) chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = make(map[string]chan struct{})
	}
	if l.held[collection] == nil {
		l.held[collection] = make(chan struct{}, 1)
	}
	return l.held[collection]
}
