package web

import "sync"

// maxPending bounds the tasks whose change a slow watcher has not yet been
// told. One that falls further behind is cut off: it reconnects and starts
// from the present state.
const maxPending = 1000

// hub passes task changes to any number of watchers and never waits for one: a
// watcher that lags is told only the newest state of each task.
type hub struct {
	mu       sync.Mutex
	watchers map[*watcher]struct{}
	closed   bool
	running  sync.WaitGroup // live connections
}

// watcher is one receiver of changes.
type watcher struct {
	mu      sync.Mutex
	pending map[string]Task
	order   []string // IDs of pending, oldest change first
	wake    chan struct{}
	gone    chan struct{} // closed when the hub cuts the watcher off
	cut     sync.Once
}

func newHub() *hub { return &hub{watchers: make(map[*watcher]struct{})} }

// publish tells every watcher. It returns at once.
func (h *hub) publish(task Task) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.watchers {
		w.put(task)
	}
}

// join adds a watcher, or answers nil when the hub is closed.
func (h *hub) join() *watcher {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil
	}
	w := &watcher{pending: make(map[string]Task), wake: make(chan struct{}, 1), gone: make(chan struct{})}
	h.watchers[w] = struct{}{}
	h.running.Add(1)
	return w
}

// leave removes a watcher that join answered, once.
func (h *hub) leave(w *watcher) {
	h.mu.Lock()
	delete(h.watchers, w)
	h.mu.Unlock()
	h.running.Done()
}

// close cuts every watcher off and waits until all have left.
func (h *hub) close() {
	h.mu.Lock()
	h.closed = true
	for w := range h.watchers {
		w.cutOff()
	}
	h.mu.Unlock()
	h.running.Wait()
}

func (w *watcher) put(task Task) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, waiting := w.pending[task.ID]; !waiting {
		if len(w.order) == maxPending {
			w.cutOff()
			return
		}
		w.order = append(w.order, task.ID)
	}
	w.pending[task.ID] = task
	select {
	case w.wake <- struct{}{}:
	default: // it will wake anyway
	}
}

// take answers the changes since the last call, oldest first.
func (w *watcher) take() []Task {
	w.mu.Lock()
	defer w.mu.Unlock()
	tasks := make([]Task, len(w.order))
	for i, id := range w.order {
		tasks[i] = w.pending[id]
	}
	clear(w.pending)
	w.order = w.order[:0]
	return tasks
}

func (w *watcher) cutOff() { w.cut.Do(func() { close(w.gone) }) }
