package jobstest

import (
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"polylens/indexer/catalog"
)

func claimsInOrder(t *testing.T, f *fixture) {
	low, first, second, late := newJob("a", "x"), newJob("a", "x"), newJob("a", "x"), newJob("a", "x")
	low.Priority, late.Priority, late.RunAfter = -1, 9, f.now.Add(time.Minute)
	f.insert(t, low, first, second, late)
	claimed := f.claim(t, 2)
	same(t, ids(claimed), []string{first.ID, second.ID})
	for _, job := range claimed {
		if job.State != catalog.JobRunning || job.Lease == "" || !job.Expires.Equal(f.now.Add(time.Minute)) || !job.Started.Equal(f.now) {
			t.Errorf("got %+v, want it running under a lease of a minute", job)
		}
		same(t, f.get(t, job.ID), job)
	}
	f.pass(time.Minute)
	same(t, ids(f.claim(t, 5)), []string{late.ID, low.ID})
	same(t, ids(f.claim(t, 5)), []string{})
}

func claimsWithinRoom(t *testing.T, f *fixture) {
	for range 4 {
		f.insert(t, newJob("a", "x"), newJob("b", "x"), newJob("c", "x"))
	}
	claimed, err := f.Claim(t.Context(), catalog.JobClaim{Room: map[string]int{"a": 1, "b": 3, "c": 0}, Most: 3, Lease: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, job := range claimed {
		kinds[job.Kind]++
	}
	same(t, kinds, map[string]int{"a": 1, "b": 2})
	if _, err := f.Claim(t.Context(), catalog.JobClaim{Most: 3, Lease: time.Minute}); err != nil {
		t.Errorf("a claim without kinds: %v", err)
	}
}

// givesTurns queues a thousand jobs of one collection before those of others.
func givesTurns(t *testing.T, f *fixture) {
	many := make([]catalog.Job, 1000)
	for i := range many {
		many[i] = newJob("a", "crowd")
	}
	f.insert(t, many...)
	f.insert(t, newJob("a", "single"), newJob("b", "crowd"))
	for i := range 30 {
		f.insert(t, newJob("b", "small"+strconv.Itoa(i)))
	}
	served := map[string]int{}
	for range 40 { // one after the other, each finished before the next is claimed
		job := f.claim(t, 1)[0]
		served[job.Kind+" "+job.Collection]++
		f.move(t, job.ID, catalog.JobSucceeded)
	}
	// Kinds take turns; within a kind collections do.
	if served["a crowd"] != 19 || served["a single"] != 1 || served["b crowd"] != 1 {
		t.Errorf("served %v, want 19 of the crowd, the single one and one of b", served)
	}
	f.insert(t, newJob("a", "single"), newJob("a", "single"))
	together := f.claim(t, 4) // side by side: shared as well
	got := map[string]int{}
	for _, job := range together {
		got[job.Kind]++
	}
	same(t, got, map[string]int{"a": 2, "b": 2})
}

func keepsApart(t *testing.T, f *fixture) {
	first, second, other, free := newJob("a", "x"), newJob("b", "x"), newJob("b", "y"), newJob("b", "x")
	first.Exclusive, second.Exclusive, other.Exclusive = "x", "x", "y"
	f.insert(t, first, second, other)
	same(t, ids(f.claim(t, 9)), []string{first.ID, other.ID})
	free.Exclusive = ""
	f.insert(t, free)
	same(t, ids(f.claim(t, 9)), []string{})
	f.move(t, first.ID, catalog.JobQueued)
	f.move(t, first.ID, catalog.JobPaused)
	same(t, ids(f.claim(t, 9)), []string{second.ID, free.ID})
	_, err := f.Change(t.Context(), first.ID, func(job *catalog.Job, now time.Time) error { return job.Move(catalog.JobQueued, now) })
	if err != nil {
		t.Fatal(err)
	}
	same(t, ids(f.claim(t, 9)), []string{})
}

func claimsOnce(t *testing.T, f *fixture) {
	const waiting, claimers = 60, 6
	for i := range waiting {
		f.insert(t, newJob("a", strconv.Itoa(i%3)))
	}
	var group sync.WaitGroup
	var mu sync.Mutex
	owners, leases := map[string]int{}, map[string]bool{}
	for range claimers {
		group.Go(func() {
			for {
				claimed := f.claim(t, 4)
				if len(claimed) == 0 {
					return
				}
				mu.Lock()
				for _, job := range claimed {
					owners[job.ID]++
					leases[job.Lease] = true
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if len(owners) != waiting || len(leases) != waiting {
		t.Errorf("%d jobs were claimed under %d leases, want %d of each", len(owners), len(leases), waiting)
	}
	for id, n := range owners {
		if n != 1 {
			t.Errorf("job %s was claimed %d times", id, n)
		}
	}
}

func fences(t *testing.T, f *fixture) {
	f.insert(t, newJob("a", "x"))
	old := f.claim(t, 1)[0]
	expired := func(want int) {
		t.Helper()
		found, err := f.Expired(t.Context(), []string{"a"}, 9)
		if err != nil || len(found) != want {
			t.Fatalf("got %d expired jobs and %v, want %d", len(found), err, want)
		}
	}
	f.pass(59 * time.Second)
	expired(0)
	if err := f.Renew(t.Context(), old.ID, old.Lease, time.Minute); err != nil {
		t.Fatal(err)
	}
	same(t, f.get(t, old.ID).Sequence, old.Sequence)
	f.pass(59 * time.Second)
	expired(0)
	f.pass(time.Second)
	expired(1)
	if found, err := f.Expired(t.Context(), []string{"b"}, 9); err != nil || len(found) != 0 {
		t.Errorf("got %d expired jobs of another kind and %v", len(found), err)
	}
	f.move(t, old.ID, catalog.JobQueued)
	expired(0)
	for _, lease := range []string{old.Lease, ""} {
		if err := f.Renew(t.Context(), old.ID, lease, time.Minute); !errors.Is(err, catalog.ErrLeaseLost) {
			t.Errorf("got %v for lease %q of a queued job, want it lost", err, lease)
		}
	}
	again := f.claim(t, 1)[0]
	if again.Lease == old.Lease || !again.Started.Equal(old.Started) {
		t.Errorf("got lease %s and start %v, want a new lease and the start %v", again.Lease, again.Started, old.Started)
	}
	if err := f.Renew(t.Context(), old.ID, old.Lease, time.Hour); !errors.Is(err, catalog.ErrLeaseLost) {
		t.Errorf("got %v for the old lease, want it lost", err)
	}
	same(t, f.get(t, again.ID).Expires, again.Expires)
}

func deletes(t *testing.T, f *fixture) {
	var old []catalog.Job
	for range 5 {
		old = append(old, newJob("a", "x"))
	}
	waiting, recent := newJob("a", "x"), newJob("b", "y")
	f.insert(t, append(old, waiting, recent)...)
	for _, job := range old {
		f.move(t, job.ID, catalog.JobCanceled)
	}
	f.pass(time.Hour)
	f.move(t, recent.ID, catalog.JobCanceled)
	for _, want := range []int{3, 2, 0} {
		deleted, err := f.Delete(t.Context(), time.Minute, 3)
		if err != nil || deleted != want {
			t.Errorf("deleted %d with %v, want %d", deleted, err, want)
		}
	}
	left, err := f.List(t.Context(), catalog.JobFilter{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, ids(left), []string{recent.ID, waiting.ID})
	f.pass(time.Hour)
	if _, err := f.Delete(t.Context(), time.Minute, 3); err != nil {
		t.Fatal(err)
	}
	f.insert(t, newJob("b", "y")) // its turn was deleted with the last of its jobs
	if claimed := f.claim(t, 9); len(claimed) != 2 {
		t.Errorf("claimed %d jobs, want both", len(claimed))
	}
}
