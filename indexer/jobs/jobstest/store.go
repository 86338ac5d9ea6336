package jobstest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"polylens/indexer/catalog"
	"polylens/indexer/jobs"
)

// Open opens an empty store that takes the time from a clock.
type Open func(t *testing.T, clock func() time.Time) jobs.Store

// TestStore checks that a store keeps its contract.
func TestStore(t *testing.T, open Open) {
	tests := map[string]func(*testing.T, *fixture){
		"keeps every field":                 keepsFields,
		"adds all or none":                  addsAllOrNone,
		"lists by filter and cursor":        lists,
		"allows the moves of the table":     allowsMoves,
		"leaves what a change refused":      refusesChange,
		"tells changes in order":            tellsChanges,
		"misses no change under load":       missesNothing,
		"claims by priority, age and time":  claimsInOrder,
		"claims no more than there is room": claimsWithinRoom,
		"gives kinds and collections turns": givesTurns,
		"keeps exclusive jobs apart":        keepsApart,
		"claims each job once":              claimsOnce,
		"renews, ends and fences leases":    fences,
		"deletes in batches":                deletes,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := &fixture{now: time.UnixMilli(1_700_000_000_000).UTC()}
			f.Store = open(t, f.clock)
			test(t, f)
		})
	}
}

// fixture is a store with a clock that stands still unless a test moves it.
type fixture struct {
	jobs.Store
	mu  sync.Mutex
	now time.Time
}

func (f *fixture) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fixture) pass(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

// newJob is a job that waits.
func newJob(kind, collection string) catalog.Job {
	return catalog.Job{
		ID: uuid.Must(uuid.NewV7()).String(), Kind: kind, Collection: collection, State: catalog.JobQueued,
		Params: []byte(`{"n":1}`), Progress: []byte(`{}`),
	}
}

func (f *fixture) insert(t *testing.T, all ...catalog.Job) []catalog.Job {
	t.Helper()
	inserted, err := f.Insert(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	return inserted
}

func (f *fixture) get(t *testing.T, id string) catalog.Job {
	t.Helper()
	job, err := f.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// claim takes up to most jobs of kinds a and b.
func (f *fixture) claim(t *testing.T, most int) []catalog.Job {
	t.Helper()
	claimed, err := f.Claim(t.Context(), catalog.JobClaim{
		Room: map[string]int{"a": most, "b": most}, Most: most, Lease: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	return claimed
}

func (f *fixture) move(t *testing.T, id string, state catalog.JobState) catalog.Job {
	t.Helper()
	job, err := f.Change(t.Context(), id, func(job *catalog.Job, now time.Time) error { return job.Move(state, now) })
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func ids(all []catalog.Job) []string {
	list := make([]string, len(all))
	for i, job := range all {
		list[i] = job.ID
	}
	return list
}

func same(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func keepsFields(t *testing.T, f *fixture) {
	job := newJob("a", "pictures")
	job.Priority, job.Exclusive, job.RunAfter = -3, "collection/pictures", f.now.Add(time.Hour)
	inserted := f.insert(t, job)[0]
	if inserted.Sequence == 0 || !inserted.Created.Equal(f.now) {
		t.Errorf("got sequence %d and created %v, want a number and %v", inserted.Sequence, inserted.Created, f.now)
	}
	same(t, f.get(t, job.ID), inserted)
	changed, err := f.Change(t.Context(), job.ID, func(job *catalog.Job, now time.Time) error {
		job.State, job.Wanted, job.Lease, job.Expires = catalog.JobRunning, catalog.JobPaused, "lease", now.Add(time.Second)
		job.Progress, job.Error, job.Failures, job.Losses, job.Started = []byte(`{"done":"½"}`), "näh", 2, 1, now
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, f.get(t, job.ID), changed)
	if changed.Sequence <= inserted.Sequence || changed.Error != "näh" || changed.Losses != 1 {
		t.Errorf("got %+v, want the change", changed)
	}
	if _, err := f.Get(t.Context(), "nothing"); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("got %v for an unknown job, want not found", err)
	}
}

func addsAllOrNone(t *testing.T, f *fixture) {
	job := newJob("a", "")
	if _, err := f.Insert(t.Context(), []catalog.Job{newJob("a", ""), job, job}); err == nil {
		t.Fatal("a job was added twice")
	}
	found, err := f.List(t.Context(), catalog.JobFilter{})
	if err != nil || len(found) != 0 {
		t.Errorf("got %d jobs and %v, want none", len(found), err)
	}
}

func lists(t *testing.T, f *fixture) {
	all := f.insert(t, newJob("a", "x"), newJob("b", "x"), newJob("a", "y"), newJob("a", "x"))
	f.move(t, all[3].ID, catalog.JobCanceled)
	for _, test := range []struct {
		filter catalog.JobFilter
		want   []int
	}{
		{catalog.JobFilter{}, []int{3, 2, 1, 0}},
		{catalog.JobFilter{Limit: 2}, []int{3, 2}},
		{catalog.JobFilter{Limit: 2, Before: all[2].ID}, []int{1, 0}},
		{catalog.JobFilter{Collection: "x"}, []int{3, 1, 0}},
		{catalog.JobFilter{Kind: "a", Collection: "x"}, []int{3, 0}},
		{catalog.JobFilter{States: []catalog.JobState{catalog.JobCanceled}}, []int{3}},
		{catalog.JobFilter{States: []catalog.JobState{catalog.JobQueued, catalog.JobRunning}, Kind: "a"}, []int{2, 0}},
		{catalog.JobFilter{Kind: "c"}, nil},
	} {
		want := []string{}
		for _, i := range test.want {
			want = append(want, all[i].ID)
		}
		found, err := f.List(t.Context(), test.filter)
		if err != nil {
			t.Fatal(err)
		}
		same(t, ids(found), want)
	}
}

func allowsMoves(t *testing.T, f *fixture) {
	for _, from := range catalog.JobStates() {
		for _, to := range catalog.JobStates() {
			job := newJob("a", "x")
			job.State = from
			f.insert(t, job)
			_, err := f.Change(t.Context(), job.ID, func(job *catalog.Job, _ time.Time) error {
				job.State = to
				return nil
			})
			allowed := from == to || from.MayBecome(to)
			if allowed != (err == nil) || err != nil && !errors.Is(err, catalog.ErrConflict) {
				t.Errorf("%s to %s: got %v", from, to, err)
			}
		}
	}
}

func refusesChange(t *testing.T, f *fixture) {
	before := f.insert(t, newJob("a", "x"))[0]
	reason := errors.New("no")
	_, err := f.Change(t.Context(), before.ID, func(job *catalog.Job, _ time.Time) error {
		job.Error = "changed"
		return reason
	})
	if !errors.Is(err, reason) {
		t.Errorf("got %v, want the reason", err)
	}
	same(t, f.get(t, before.ID), before)
	_, err = f.Change(t.Context(), "nothing", func(*catalog.Job, time.Time) error { return nil })
	if !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("got %v for an unknown job, want not found", err)
	}
}

func tellsChanges(t *testing.T, f *fixture) {
	if last, err := f.Last(t.Context()); err != nil || last != 0 {
		t.Errorf("got %d and %v of an empty store, want 0", last, err)
	}
	all := f.insert(t, newJob("a", "x"), newJob("a", "x"), newJob("a", "x"))
	f.move(t, all[0].ID, catalog.JobPaused)
	last := f.move(t, all[0].ID, catalog.JobCanceled).Sequence
	if got, err := f.Last(t.Context()); err != nil || got != last {
		t.Errorf("got %d and %v, want number %d", got, err, last)
	}
	for _, test := range []struct {
		after int64
		limit int
		want  []string
	}{
		{0, 10, []string{all[1].ID, all[2].ID, all[0].ID}},
		{0, 2, []string{all[1].ID, all[2].ID}},
		{all[1].Sequence, 10, []string{all[2].ID, all[0].ID}},
		{last, 10, []string{}},
	} {
		found, err := f.Changed(t.Context(), test.after, test.limit)
		if err != nil {
			t.Fatal(err)
		}
		same(t, ids(found), test.want)
	}
}

// missesNothing follows while many writers are at work: a number that became visible
// after a higher one would be missed.
func missesNothing(t *testing.T, f *fixture) {
	const writers, changes = 8, 25
	all := make([]catalog.Job, writers)
	for i := range all {
		all[i] = newJob("a", "x")
	}
	f.insert(t, all...)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var group sync.WaitGroup
	for _, job := range all {
		group.Go(func() {
			for n := range changes {
				_, err := f.Change(ctx, job.ID, func(job *catalog.Job, _ time.Time) error {
					job.Progress = fmt.Appendf(nil, `{"n":%d}`, n+1)
					return nil
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	seen, after := map[string]string{}, int64(0)
	final := fmt.Sprintf(`{"n":%d}`, changes)
	for complete := 0; complete < writers; {
		found, err := f.Changed(ctx, after, 3)
		if err != nil {
			t.Fatalf("%v after seeing %v", err, seen)
		}
		complete = 0
		for _, job := range found {
			after, seen[job.ID] = job.Sequence, string(job.Progress)
		}
		for _, progress := range seen {
			if progress == final {
				complete++
			}
		}
	}
	group.Wait()
}
