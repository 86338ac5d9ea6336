package rollout

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"polylens/indexer/catalog"
)

// TestStates: every state can be left, and only by the events of the drawing.
func TestStates(t *testing.T) {
	for state, events := range map[State]map[event]bool{
		Steady:    {use: true, prepare: true, rollBack: true, flip: false, giveUp: false},
		Preparing: {use: false, prepare: false, rollBack: false, flip: true, giveUp: true},
	} {
		for e, want := range events {
			if state.may(e) != want {
				t.Errorf("%s in %s: %v, want %v", e, state, !want, want)
			}
		}
	}
	for state, events := range moves {
		for e, next := range events {
			if _, known := moves[next]; !known {
				t.Errorf("%s in %s leads to %q", e, state, next)
			}
		}
	}
	if got := (Choice{Next: &Next{}}).State(); got != Preparing {
		t.Errorf("a choice with a next model is %s", got)
	}
	if got := (Choice{}).State(); got != Steady {
		t.Errorf("a choice without a next model is %s", got)
	}
}

// asked is a catalogue that notes when it is asked for a collection.
type asked struct {
	Catalog
	done chan struct{}
}

func (a asked) Collection(context.Context, string) (catalog.Collection, error) {
	close(a.done)
	return catalog.Collection{}, catalog.ErrCollectionNotFound
}

// TestAdoptWaits: an index job that ends during a change of models waits for it, so
// that it does not adopt the model that is being replaced.
func TestAdoptWaits(t *testing.T) {
	r := New(nil, Options{Log: slog.New(slog.DiscardHandler)})
	a := asked{done: make(chan struct{})}
	r.Connect(Rooms{Catalog: a})
	r.switching.Lock()
	go func() { _ = r.Adopt(context.Background(), "c") }()
	select {
	case <-a.done:
		t.Error("it did not wait")
	case <-time.After(100 * time.Millisecond):
	}
	r.switching.Unlock()
	<-a.done
}
