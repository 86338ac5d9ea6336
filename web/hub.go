package web

import "sync"

// maxPending bounds the jobs or runs whose changes a slow watcher has not yet
// received. One that falls further behind is cut off: it reconnects and starts
// from the present state.
const maxPending = 1000

// hub passes changes of something, such as a job, to any number of watchers
// and never waits for one: a watcher that lags gets several changes of the
// same thing as one.
type hub[T any] struct {
	id   func(T) string         // of the thing that changed
	join func(older, newer T) T // of the same thing

	mu       sync.Mutex
	watchers map[*watcher[T]]struct{}
	closed   bool
	running  sync.WaitGroup // live connections
}

// watcher is one receiver of changes.
type watcher[T any] struct {
	hub     *hub[T]
	mu      sync.Mutex
	pending map[string]T
	order   []string // IDs of pending, oldest change first
	wake    chan struct{}
	gone    chan struct{} // closed when the hub cuts the watcher off
	cut     sync.Once
}

func newHub[T any](id func(T) string, join func(older, newer T) T) *hub[T] {
	return &hub[T]{id: id, join: join, watchers: make(map[*watcher[T]]struct{})}
}

// publish passes a change to every watcher. It returns at once.
func (h *hub[T]) publish(change T) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.watchers {
		w.put(change)
	}
}

// enter adds a watcher, or returns nil when the hub is closed.
func (h *hub[T]) enter() *watcher[T] {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil
	}
	w := &watcher[T]{hub: h, pending: make(map[string]T), wake: make(chan struct{}, 1), gone: make(chan struct{})}
	h.watchers[w] = struct{}{}
	h.running.Add(1)
	return w
}

// leave removes a watcher that enter returned, once.
func (h *hub[T]) leave(w *watcher[T]) {
	h.mu.Lock()
	delete(h.watchers, w)
	h.mu.Unlock()
	h.running.Done()
}

// close cuts every watcher off and waits until all have left.
func (h *hub[T]) close() {
	h.mu.Lock()
	h.closed = true
	for w := range h.watchers {
		w.cutOff()
	}
	h.mu.Unlock()
	h.running.Wait()
}

func (w *watcher[T]) put(change T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := w.hub.id(change)
	if older, waiting := w.pending[id]; waiting {
		change = w.hub.join(older, change)
	} else {
		if len(w.order) == maxPending {
			w.cutOff()
			return
		}
		w.order = append(w.order, id)
	}
	w.pending[id] = change
	select {
	case w.wake <- struct{}{}:
	default: // it will wake anyway
	}
}

// take returns the changes since the last call, oldest first.
func (w *watcher[T]) take() []T {
	w.mu.Lock()
	defer w.mu.Unlock()
	changes := make([]T, len(w.order))
	for i, id := range w.order {
		changes[i] = w.pending[id]
	}
	clear(w.pending)
	w.order = w.order[:0]
	return changes
}

func (w *watcher[T]) cutOff() { w.cut.Do(func() { close(w.gone) }) }
