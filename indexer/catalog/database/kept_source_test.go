package database

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"polylens/indexer/catalog"
)

func keep(t *testing.T, s *Store, collection, id string, change func(*catalog.KeptSource)) catalog.KeptSource {
	t.Helper()
	source := catalog.KeptSource{ID: id, Collection: collection, Directory: "/pictures/" + id, Settings: []byte(`{"no_hidden":true}`), Every: time.Hour, Events: true}
	if change != nil {
		change(&source)
	}
	if err := s.CreateKeptSource(t.Context(), source); err != nil {
		t.Fatal(err)
	}
	found, err := s.KeptSource(t.Context(), collection, id)
	if err != nil {
		t.Fatal(err)
	}
	source.Created = found.Created
	if !reflect.DeepEqual(found, source) || found.Created.IsZero() {
		t.Errorf("kept as %+v, want %+v", found, source)
	}
	return found
}

func scanning(id, collection string, scan catalog.Scan) []catalog.Job {
	return []catalog.Job{{ID: id, Kind: "index", Collection: collection, State: catalog.JobQueued, Params: []byte("{}"), Progress: []byte("{}"), Scan: &scan}}
}

func TestKeptSources(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		for _, name := range []string{"a", "b"} {
			if _, err := s.CreateCollection(t.Context(), name, 0); err != nil {
				t.Fatal(err)
			}
		}
		first := keep(t, s, "a", "1", nil)
		keep(t, s, "b", "2", func(k *catalog.KeptSource) { k.Directory, k.Events = first.Directory, false })
		again := first
		again.ID = "3"
		if err := s.CreateKeptSource(t.Context(), again); !errors.Is(err, catalog.ErrConflict) {
			t.Errorf("the same folder again: %v", err)
		}
		again.Directory, again.Every = "/else", time.Minute-1
		if err := s.CreateKeptSource(t.Context(), again); !errors.Is(err, catalog.ErrInvalid) {
			t.Errorf("a short interval: %v", err)
		}
		again.Every, again.Collection = time.Hour, "none"
		if err := s.CreateKeptSource(t.Context(), again); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("of no collection: %v", err)
		}
		if _, err := s.KeptSource(t.Context(), "b", "1"); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("that of another collection: %v", err)
		}
		first.Every, first.Events = 2*time.Minute, false
		if err := s.ChangeKeptSource(t.Context(), first); err != nil {
			t.Error(err)
		}
		if got, err := s.KeptSource(t.Context(), "a", "1"); err != nil || !reflect.DeepEqual(got, first) {
			t.Errorf("changed to %+v, %v", got, err)
		}
		if err := s.DeleteKeptSource(t.Context(), "b", "1"); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("deleted that of another collection: %v", err)
		}
		// A collection takes them along: to its new name, and to its end.
		if _, err := s.RenameCollection(t.Context(), "a", "c"); err != nil {
			t.Fatal(err)
		}
		if got, err := s.KeptSources(t.Context(), "c"); err != nil || len(got) != 1 || got[0].Collection != "c" {
			t.Errorf("renamed: %+v, %v", got, err)
		}
		if id, err := s.KeptFolder(t.Context(), "c", first.Directory); id != "1" || err != nil {
			t.Errorf("by its folder: %q, %v", id, err)
		}
		if err := s.DeleteCollection(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if got, err := s.KeptSources(t.Context(), ""); err != nil || len(got) != 1 || got[0].ID != "2" {
			t.Errorf("after the end of one: %+v, %v", got, err)
		}
		if err := s.DeleteKeptSource(t.Context(), "b", "2"); err != nil {
			t.Error(err)
		}
	})
}

// TestManyKeptSources: there is a limit for each collection.
func TestManyKeptSources(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		if _, err := s.CreateCollection(t.Context(), "a", 0); err != nil {
			t.Fatal(err)
		}
		source := catalog.KeptSource{Collection: "a", Every: time.Hour}
		for i := range catalog.MaxKeptSources + 1 {
			source.ID = string(rune('A' + i))
			source.Directory = "/" + source.ID
			if err := s.CreateKeptSource(t.Context(), source); (err != nil) != (i == catalog.MaxKeptSources) || err != nil && !errors.Is(err, catalog.ErrConflict) {
				t.Fatalf("number %d: %v", i+1, err)
			}
		}
	})
}

// TestOneScanOfASource: of many that have seen the same scan end one orders the next, and
// nobody does while one waits, runs or is paused.
func TestOneScanOfASource(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		if _, err := s.CreateCollection(t.Context(), "a", 0); err != nil {
			t.Fatal(err)
		}
		keep(t, s, "a", "1", nil)
		jobs, ctx := s.Jobs(nil), t.Context()
		race := func(round, after string) (ordered int32) {
			var group sync.WaitGroup
			var count atomic.Int32
			for _, who := range []string{"x", "y", "z", "w"} {
				group.Go(func() {
					_, err := jobs.Insert(ctx, scanning(round+who, "a", catalog.Scan{Source: "1", After: after, Lead: who}))
					switch {
					case err == nil:
						count.Add(1)
					case !errors.Is(err, catalog.ErrConflict):
						t.Error(err)
					}
				})
			}
			group.Wait()
			return count.Load()
		}
		last := func() catalog.KeptSource {
			found, err := s.KeptSource(ctx, "a", "1")
			if err != nil {
				t.Fatal(err)
			}
			return found
		}
		if n := race("1", ""); n != 1 || last().Last.State != catalog.JobQueued || last().Lead == "" {
			t.Fatalf("%d scans at first, %+v", n, last())
		}
		move := func(ctx context.Context, to ...catalog.JobState) {
			for _, state := range to {
				_, err := jobs.Change(ctx, last().Last.ID, func(job *catalog.Job, now time.Time) error { return job.Move(state, now) })
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, state := range []catalog.JobState{catalog.JobRunning, catalog.JobPaused} {
			move(ctx, state)
			if n := race("2", last().Last.ID); n != 0 {
				t.Errorf("%d scans beside one that is %s", n, state)
			}
		}
		move(ctx, catalog.JobCanceled)
		if n := race("3", "another"); n != 0 {
			t.Errorf("%d scans by those who know of another", n)
		}
		if n := race("4", last().Last.ID); n != 1 {
			t.Errorf("%d scans after the first", n)
		}
		forced := scanning("5", "a", catalog.Scan{Source: "1", Forced: true})
		if _, err := jobs.Insert(ctx, forced); err != nil || last().Last.ID != "5" {
			t.Errorf("forced: %v, %+v", err, last())
		}
		for label, job := range map[string][]catalog.Job{
			"a source that is gone": scanning("6", "a", catalog.Scan{Source: "2"}), "another collection": scanning("7", "b", catalog.Scan{Source: "1", Forced: true}),
		} {
			if _, err := jobs.Insert(ctx, job); !errors.Is(err, catalog.ErrConflict) {
				t.Errorf("%s: %v", label, err)
			}
		}
		if all, err := jobs.List(ctx, catalog.JobFilter{}); err != nil || len(all) != 3 {
			t.Errorf("%d jobs, %v", len(all), err)
		}
	})
}
