package encoder

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// slowRuns answers a row with its first token after a second, and notes the
// sizes of batches.
type slowRuns struct {
	mutex sync.Mutex
	sizes []int
}

func (r *slowRuns) run(ctx context.Context, rows [][]int64) ([][]float32, error) {
	time.Sleep(time.Second)
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.sizes = append(r.sizes, len(rows))
	vectors := make([][]float32, len(rows))
	for i, row := range rows {
		if row[0] < 0 {
			return nil, errors.New("negative")
		}
		vectors[i] = []float32{float32(row[0])}
	}
	return vectors, nil
}

// TestQueueGathers: whoever asks while a batch runs goes with the next one, so
// that ten callers wait for three runs and not for ten.
func TestQueueGathers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := &slowRuns{}
		q := newQueue(8, runs.run)
		began := time.Now()
		var group sync.WaitGroup
		for caller := range int64(10) {
			group.Go(func() {
				time.Sleep(time.Duration(caller) * time.Millisecond)
				vectors, err := q.encode(t.Context(), [][]int64{{caller}})
				if err != nil || vectors[0][0] != float32(caller) {
					t.Errorf("caller %d gets %v, %v", caller, vectors, err)
				}
			})
		}
		group.Wait()
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("ten callers took %v in batches of %v", took, runs.sizes)
		}
		if want := [3]int{1, 8, 1}; len(runs.sizes) != 3 || [3]int(runs.sizes) != want {
			t.Errorf("batches of %v, want %v", runs.sizes, want)
		}
	})
}

// TestQueueAlone: a lone caller waits for nobody, also after the worker ended.
func TestQueueAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(8, (&slowRuns{}).run)
		for range 3 {
			began := time.Now()
			if _, err := q.encode(t.Context(), [][]int64{{1}, {2}}); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took != time.Second {
				t.Errorf("a lone caller waited %v", took)
			}
			time.Sleep(time.Minute)
		}
	})
}

// TestQueueForgets: rows of a caller who has left are not computed.
func TestQueueForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := &slowRuns{}
		q := newQueue(1, runs.run)
		go func() { _, _ = q.encode(t.Context(), [][]int64{{1}}) }()
		synctest.Wait()
		impatient, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := q.encode(impatient, [][]int64{{2}, {3}}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("an impatient caller gets %v", err)
		}
		if _, err := q.encode(impatient, [][]int64{{4}}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller who is late already gets %v", err)
		}
		time.Sleep(time.Minute)
		if len(runs.sizes) != 1 {
			t.Errorf("batches of %v ran, want one", runs.sizes)
		}
	})
}

// TestQueueFails: all of a failed batch learn why, and the next one runs.
func TestQueueFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(8, (&slowRuns{}).run)
		if _, err := q.encode(t.Context(), [][]int64{{1}, {-1}}); err == nil || err.Error() != "negative" {
			t.Errorf("a failed batch gives %v", err)
		}
		if _, err := q.encode(t.Context(), [][]int64{{1}}); err != nil {
			t.Errorf("the batch after a failed one gives %v", err)
		}
	})
}
