package jobs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/jobs"
)

// A follower that is busy delays nobody, and learns afterwards how things stand; one
// that comes back goes on from a number, in another process as well.
func TestFollow(t *testing.T) {
	simulate(t, func(t *testing.T, w *world) {
		kind := jobs.Kind{Name: "a", Handle: succeed}
		p := w.work(jobs.Settings{}, kind)
		first := p.enqueue(t, jobs.Order{Kind: "a"})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var told []catalog.Job
		busy, ended := make(chan struct{}), make(chan error, 1)
		go func() {
			ended <- p.Follow(ctx, 0, func(changed []catalog.Job) error {
				told = append(told, changed...)
				<-busy
				return nil
			})
		}()
		time.Sleep(time.Minute)
		began := time.Now()
		second := p.enqueue(t, jobs.Order{Kind: "a"})
		if job := p.awaitState(t, second.ID, catalog.JobSucceeded); job.Finished.Sub(began) > time.Second {
			t.Errorf("a busy follower delayed a job by %v", job.Finished.Sub(began))
		}
		close(busy)
		time.Sleep(5 * time.Second)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("following ended with %v", err)
		}
		last := told[len(told)-1]
		if last.ID != second.ID || last.State != catalog.JobSucceeded {
			t.Errorf("told last of %+v, want the second job succeeded", last)
		}
		for i := range len(told) - 1 {
			if told[i].Sequence >= told[i+1].Sequence {
				t.Errorf("number %d was told before %d", told[i].Sequence, told[i+1].Sequence)
			}
		}
		third := p.enqueue(t, jobs.Order{Kind: "a"})
		err := w.open().Follow(t.Context(), last.Sequence, func(changed []catalog.Job) error {
			for _, job := range changed {
				if job.ID != third.ID {
					t.Errorf("told of %+v, which had not changed since", job)
				}
			}
			return errFound
		})
		if !errors.Is(err, errFound) {
			t.Error(err)
		}
		if first.Sequence == 0 {
			t.Error("a job without a number")
		}
	})
}
