package training

import (
	"context"
	"errors"
	"fmt"

	"polylens/indexer/catalog"
)

// Begin creates the run, or finds the run of its name that can go on. With restart
// it forgets that run and creates a new one.
func (t *Training) Begin(ctx context.Context, restart bool) (catalog.Run, error) {
	earlier, err := t.Catalog.RunNamed(ctx, t.Name)
	if errors.Is(err, catalog.ErrNotFound) {
		return t.create(ctx, t.Name, t.Config)
	}
	if err != nil {
		return earlier, err
	}
	if restart {
		return t.restart(ctx, earlier)
	}
	if t.Config.Model == "" { // the model that it began with may no longer be in use
		t.Config.Model = earlier.Base.Directory
	}
	if _, err := t.complete(ctx, t.Name, &t.Config); err != nil {
		return earlier, err
	}
	t.wrote = earlier.Output.Directory
	return earlier, t.resumable(earlier)
}

// restart replaces a run, unless the new one could not begin.
func (t *Training) restart(ctx context.Context, earlier catalog.Run) (catalog.Run, error) {
	if _, err := t.planned(ctx, t.Name, t.Config); err != nil {
		return earlier, err
	}
	if _, err := t.target(); err != nil {
		return earlier, err
	}
	if err := t.Delete(ctx, earlier.ID); err != nil {
		return earlier, err
	}
	return t.create(ctx, t.Name, t.Config)
}

// resumable is nil if the run can go on with the configuration.
func (t *Training) resumable(run catalog.Run) error {
	switch run.State {
	case catalog.RunFinished, catalog.RunActivated, catalog.RunRolledBack:
		return fmt.Errorf("the run %q is %s, and its model is in %s: choose another --name, or remove it with `polylens model rm` and begin anew with --restart", run.Name, run.State, run.Output.Directory)
	}
	return t.Config.sameAs(run.Name, run.Config)
}
