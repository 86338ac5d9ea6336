package training

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"

	"polylens/app/rollout"
	"polylens/indexer/catalog"
)

// models is a Rollout that does everything at once.
type models struct{ choice rollout.Choice }

func (m *models) Name() string           { return m.choice.Model }
func (m *models) Choice() rollout.Choice { return m.choice }

func (m *models) Use(_ context.Context, to rollout.Used, _ bool) error {
	m.choice = m.choice.To(to)
	return nil
}

func (m *models) RollBack(context.Context) error {
	back, ok := m.choice.Back(func(string) bool { return true })
	if !ok {
		return errors.New("no other model")
	}
	m.choice = back
	return nil
}

// TestUsable: a model can be used only if its run is finished and has not forgotten
// too much, unless that is forced.
func TestUsable(t *testing.T) {
	forgot := []byte(`{"passed":false}`)
	for _, test := range []struct {
		run   catalog.Run
		force bool
		want  error
	}{
		{catalog.Run{State: catalog.RunFinished}, false, nil},
		{catalog.Run{State: catalog.RunRolledBack}, false, nil},
		{catalog.Run{State: catalog.RunFinished, Gate: forgot}, false, catalog.ErrForgotten},
		{catalog.Run{State: catalog.RunFinished, Gate: forgot}, true, nil},
		{catalog.Run{State: catalog.RunRunning}, true, catalog.ErrConflict},
		{catalog.Run{State: catalog.RunActivated}, true, catalog.ErrConflict},
	} {
		if err := Usable(test.run, test.force); !errors.Is(err, test.want) {
			t.Errorf("%+v, forced %v: %v, want %v", test.run, test.force, err, test.want)
		}
	}
}

// TestActivateAndRollBack moves searches to the model of a run and back, and
// refuses to go back from a model that they do not use.
func TestActivateAndRollBack(t *testing.T) {
	trainer := newTestTrainer(t, filepath.Join(t.TempDir(), "catalogue.db"), slog.DiscardHandler)
	used := &models{rollout.Choice{Used: rollout.Used{Model: "first"}}}
	trainer.Connect(trainer.queue, used)
	run, err := trainer.Catalog.CreateRun(t.Context(), catalog.Run{Name: "birds", Config: []byte(`{}`)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trainer.Activate(t.Context(), run.ID, false); !errors.Is(err, catalog.ErrConflict) {
		t.Errorf("a run that has only been queued: %v", err)
	}
	recorder, err := trainer.Catalog.RecordQueuedRun(t.Context(), run.ID)
	if err == nil {
		err = errors.Join(recorder.Output(t.Context(), catalog.RunModel{Directory: "/models/birds"}, nil),
			recorder.State(t.Context(), catalog.RunFinished, ""), recorder.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trainer.RollBack(t.Context(), run.ID); !errors.Is(err, catalog.ErrConflict) {
		t.Errorf("going back from a model that is not used: %v", err)
	}
	if _, err := trainer.Activate(t.Context(), run.ID, false); err != nil || used.choice.Used != (rollout.Used{Model: "/models/birds", Run: run.ID}) {
		t.Errorf("activated: %+v, %v", used.choice, err)
	}
	if _, err := trainer.RollBack(t.Context(), run.ID); err != nil || used.choice.Model != "first" {
		t.Errorf("rolled back: %+v, %v", used.choice, err)
	}
	if found, err := trainer.Wrote(t.Context(), "/models/birds"); err != nil || found.ID != run.ID {
		t.Errorf("the run of the model is %+v, %v", found, err)
	}
	if _, err := trainer.Wrote(t.Context(), "/models/fish"); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("a model that no run wrote: %v", err)
	}
}
