package indexer

import (
	"sync"

	"polylens/indexer/catalog"
)

// eventBuffer is how far a subscriber may fall behind before it is dropped.
const eventBuffer = 64

// Subscription delivers tasks as they change.
type Subscription struct {
	// C gives each changed task. It is closed when the subscription ends, also
	// because its reader was too slow: then read the tasks anew and subscribe
	// again.
	C      <-chan catalog.Task
	send   chan catalog.Task
	events *events
}

// Close ends the subscription. It may be called more than once.
func (s *Subscription) Close() {
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	s.events.drop(s)
}

// events hands tasks to subscribers and never waits for one.
type events struct {
	mu          sync.Mutex
	subscribers map[*Subscription]struct{}
	closed      bool
}

func (e *events) subscribe() *Subscription {
	send := make(chan catalog.Task, eventBuffer)
	s := &Subscription{C: send, send: send, events: e}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.subscribers == nil {
		e.subscribers = make(map[*Subscription]struct{})
	}
	e.subscribers[s] = struct{}{}
	if e.closed {
		e.drop(s)
	}
	return s
}

func (e *events) publish(task catalog.Task) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for s := range e.subscribers {
		select {
		case s.send <- task:
		default:
			e.drop(s)
		}
	}
}

func (e *events) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for s := range e.subscribers {
		e.drop(s)
	}
}

// drop wants the lock held.
func (e *events) drop(s *Subscription) {
	if _, there := e.subscribers[s]; there {
		delete(e.subscribers, s)
		close(s.send)
	}
}
