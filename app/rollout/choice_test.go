package rollout_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"polylens/app/rollout"
	"polylens/indexer/catalog"
)

// TestCheckUnused: neither the model in use nor the next may go, and one that is
// gone keeps no other.
func TestCheckUnused(t *testing.T) {
	choice := rollout.Choice{Used: rollout.Used{Model: "first"}, Next: &rollout.Next{Used: rollout.Used{Model: "next"}}}
	find := func(name string) (string, error) {
		if name == "next" {
			return "", errors.New("gone")
		}
		return "/models/" + name, nil
	}
	if err := choice.CheckUnused("/models/other", find); err != nil {
		t.Errorf("another model: %v", err)
	}
	if err := choice.CheckUnused("/models/next", find); err != nil {
		t.Errorf("a model that is gone: %v", err)
	}
	if err := choice.CheckUnused("/models/first", find); err == nil || !strings.Contains(err.Error(), "uses the model first") {
		t.Errorf("the model in use: %v", err)
	}
	choice.Next.Model = "coming"
	if err := choice.CheckUnused("/models/coming", find); err == nil || !strings.Contains(err.Error(), "uses the model coming") {
		t.Errorf("the next model: %v", err)
	}
}

// TestReplace: the models before are forgotten, since nothing can be compared with them.
func TestReplace(t *testing.T) {
	data := t.TempDir()
	before := rollout.Choice{Used: rollout.Used{Model: "lost"}, Before: []rollout.Used{{Model: "first"}}}
	if err := before.Write(data); err != nil {
		t.Fatal(err)
	}
	used, err := rollout.Replace(data, rollout.Used{Model: "other", Run: "r"})
	choice, readErr := rollout.ReadChoice(data, "none")
	if err := errors.Join(err, readErr); err != nil || used.Model != "other" || choice.Used != used || len(choice.Before) > 0 {
		t.Errorf("%+v, %+v, %v", used, choice, err)
	}
}

// purger is a catalogue that notes the order of its calls, and fails if told to.
type purger struct {
	asked string
	fails error
}

func (p *purger) PurgeVectors(context.Context) (catalog.Purged, error) {
	p.asked += " purge"
	return catalog.Purged{Vectors: 3}, p.fails
}

func (p *purger) Compact(context.Context) error {
	p.asked += " compact"
	return nil
}

// TestPrune: the way back to one model stays, and space is given back only of what
// has been removed.
func TestPrune(t *testing.T) {
	data := t.TempDir()
	choice := rollout.Choice{Used: rollout.Used{Model: "third"}, Before: []rollout.Used{{Model: "first"}, {Model: "second"}}}
	store := new(purger)
	if purged, err := rollout.Prune(t.Context(), store, choice, data); err != nil || purged.Vectors != 3 || store.asked != " purge compact" {
		t.Errorf("%+v, %v: asked to%s", purged, err, store.asked)
	}
	kept, err := rollout.ReadChoice(data, "none")
	if err != nil || kept.Model != "third" || len(kept.Before) != 1 || kept.Before[0].Model != "second" {
		t.Errorf("%+v, %v", kept, err)
	}
	broken := &purger{fails: errors.New("broken")}
	if _, err := rollout.Prune(t.Context(), broken, choice, filepath.Join(data, "none")); err == nil || broken.asked != "" {
		t.Errorf("a choice that cannot be written: %v, asked to%s", err, broken.asked)
	}
	if _, err := rollout.Prune(t.Context(), broken, kept, data); !errors.Is(err, broken.fails) || broken.asked != " purge" {
		t.Errorf("%v, asked to%s", err, broken.asked)
	}
}
