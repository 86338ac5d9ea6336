package encoder

import (
	"context"
	"errors"
	"sync"
	"time"
)

// runTime bounds a run that perhaps nobody is waiting for any more.
const runTime = 2 * time.Minute

// queue runs what many callers ask for at the same time as batches. A lone caller
// does not wait; whoever asks while a batch is running joins the next one.
type queue struct {
	most int
	run  func(ctx context.Context, rows [][]int64) ([][]float32, error)

	mutex   sync.Mutex // guards what follows
	waiting []*request
	running bool
}

// request is one row and, after done is closed, its vector.
type request struct {
	row    []int64
	done   chan struct{}
	vector []float32
	err    error
}

func newQueue(most int, run func(context.Context, [][]int64) ([][]float32, error)) *queue {
	return &queue{most: most, run: run}
}

// encode returns the vectors of rows, in order. When ctx ends first, a batch
// that others share goes on.
func (q *queue) encode(ctx context.Context, rows [][]int64) ([][]float32, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	requests := q.enqueue(rows)
	vectors := make([][]float32, len(rows))
	for i, request := range requests {
		select {
		case <-ctx.Done():
			q.forget(requests)
			return nil, ctx.Err()
		case <-request.done:
		}
		if request.err != nil {
			return nil, request.err
		}
		vectors[i] = request.vector
	}
	return vectors, nil
}

func (q *queue) enqueue(rows [][]int64) []*request {
	requests := make([]*request, len(rows))
	for i, row := range rows {
		requests[i] = &request{row: row, done: make(chan struct{})}
	}
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.waiting = append(q.waiting, requests...)
	if !q.running {
		q.running = true
		go q.work()
	}
	return requests
}

// forget takes requests that nobody waits for out of the queue.
func (q *queue) forget(requests []*request) {
	gone := make(map[*request]bool, len(requests))
	for _, request := range requests {
		gone[request] = true
	}
	q.mutex.Lock()
	defer q.mutex.Unlock()
	kept := q.waiting[:0]
	for _, request := range q.waiting {
		if !gone[request] {
			kept = append(kept, request)
		}
	}
	clear(q.waiting[len(kept):])
	q.waiting = kept
}

// work runs batches until nobody waits.
func (q *queue) work() {
	for batch := q.next(); len(batch) > 0; batch = q.next() {
		q.answer(batch)
	}
}

// next takes a batch from the queue. After an empty one the worker ends.
func (q *queue) next() []*request {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	n := min(len(q.waiting), q.most)
	batch := q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	q.running = n > 0
	return batch
}

// answer runs a batch on no caller's context: it belongs to several.
func (q *queue) answer(batch []*request) {
	ctx, cancel := context.WithTimeout(context.Background(), runTime)
	defer cancel()
	rows := make([][]int64, len(batch))
	for i, request := range batch {
		rows[i] = request.row
	}
	vectors, err := q.run(ctx, rows)
	if err == nil && len(vectors) != len(batch) {
		err = errors.New("the model gave another number of vectors than texts")
	}
	for i, request := range batch {
		if request.err = err; err == nil {
			request.vector = vectors[i]
		}
		close(request.done)
	}
}
