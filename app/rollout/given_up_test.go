package rollout_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"polylens/app/rollout"
	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
)

// pausedChange is a process that prepares the model other with a job that is
// paused, so that it stays so.
func pausedChange(t *testing.T, h house, pictures string) *process {
	t.Helper()
	x := h.open(t)
	x.indexed(t, pictures, "c")
	x.shut(t)
	x = held(t, h)
	if err := x.Use(t.Context(), rollout.Used{Model: "other"}, true); err != nil {
		t.Fatal(err)
	}
	if _, err := x.jobs.Pause(t.Context(), x.Choice().Next.Job); err != nil {
		t.Fatal(err)
	}
	x.shut(t)
	return h.open(t)
}

// awaitHits waits until so many pictures of a collection are found.
func (x *process) awaitHits(t *testing.T, collection string, count int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		hits, err := x.hits(t, collection)
		if err == nil && hits == count {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d hits in %s, %v; want %d", hits, collection, err, count)
		}
	}
}

// TestGivenUpFindsWhatCameMeanwhile: pictures that were indexed while a model was
// prepared, which only that one has seen, are found after it was given up.
func TestGivenUpFindsWhatCameMeanwhile(t *testing.T) {
	for label, giveUp := range map[string]func(*process) error{
		"rolled back": func(x *process) error { return x.RollBack(t.Context()) },
		"canceled": func(x *process) error {
			_, err := x.jobs.Cancel(t.Context(), x.Choice().Next.Job)
			return err
		},
	} {
		t.Run(label, func(t *testing.T) {
			h, pictures := newHouse(t)
			x := pausedChange(t, h, pictures)
			draw(t, pictures, 7, 8)
			x.indexed(t, pictures, "c")
			x.indexed(t, pictures, "new")
			if hits, err := x.hits(t, "c"); hits != 6 || err != nil {
				t.Fatalf("while the model is prepared there are %d hits, %v", hits, err)
			}
			if err := giveUp(x); err != nil {
				t.Fatal(err)
			}
			if next := x.Choice().Next; next != nil {
				t.Errorf("the next model is still %+v", next)
			}
			x.awaitHits(t, "c", 8)
			x.awaitHits(t, "new", 8)
		})
	}
}

// TestEndsAfterTheFlip: the job of a process that ended after the flip, and before
// it could note that, succeeds; and the run of the model is marked.
func TestEndsAfterTheFlip(t *testing.T) {
	h, pictures := newHouse(t)
	x := h.open(t)
	x.indexed(t, pictures, "c")
	run := finishedRun(t, x.store)
	x.shut(t)
	x = held(t, h)
	if err := x.Use(t.Context(), rollout.Used{Model: "other", Run: run}, true); err != nil {
		t.Fatal(err)
	}
	job := x.Choice().Next.Job
	choice := x.Choice().To(rollout.Used{Model: "other", Run: run})
	if err := choice.Write(h.data); err != nil {
		t.Fatal(err)
	}
	x.shut(t)

	x = h.open(t)
	ended, err := x.jobs.Get(t.Context(), job)
	for deadline := time.Now().Add(10 * time.Second); err == nil && !ended.State.Finished() && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
		ended, err = x.jobs.Get(t.Context(), job)
	}
	if err != nil || ended.State != catalog.JobSucceeded {
		t.Errorf("the job is %s: %s, %v", ended.State, ended.Error, err)
	}
	if got, err := x.store.Run(t.Context(), run); err != nil || got.State != catalog.RunActivated {
		t.Errorf("the run of the model in use is %s, %v", got.State, err)
	}
}

// finishedRun is the ID of a run that is finished.
func finishedRun(t *testing.T, store *database.Store) string {
	t.Helper()
	run, err := store.CreateRun(t.Context(), catalog.Run{Name: "x", Config: []byte(`{}`)})
	if err != nil {
		t.Fatal(err)
	}
	recorder, err := store.RecordRun(t.Context(), run.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(recorder.State(t.Context(), catalog.RunFinished, ""), recorder.Close()); err != nil {
		t.Fatal(err)
	}
	return run.ID
}

// TestNextOfAnOlderProgram: a model that a program was preparing which knew no jobs
// of models is prepared to the end.
func TestNextOfAnOlderProgram(t *testing.T) {
	h, pictures := newHouse(t)
	x := h.open(t)
	x.indexed(t, pictures, "c")
	x.shut(t)
	note := `{"model":"first","next":{"model":"other","force":true,"tasks":["01a22c11-426d-7150-b059-4b9ef1601b0d"]}}`
	if err := os.WriteFile(filepath.Join(h.data, rollout.ChoiceFile), []byte(note), 0o600); err != nil {
		t.Fatal(err)
	}
	x = h.open(t)
	if err := x.settled(t); err != nil {
		t.Fatal(err)
	}
	x.wantHits(t, "c", 6, "other")
}
