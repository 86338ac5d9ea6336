package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"polylens/app/training"
	"polylens/indexer/catalog"
	"polylens/internal/progress"
	"polylens/web"
	"polylens/web/client"
)

// runOrder says what to train.
type runOrder struct {
	name    string
	config  training.Config
	restart bool // forget an earlier run of the name
}

// begin orders a run from a server, or continues the one with that name.
func (o runOrder) begin(ctx context.Context, c *client.Client) (web.Run, error) {
	earlier, err := c.FindRun(ctx, fmt.Sprintf("run %q", o.name), func(run web.Run) bool { return run.Name == o.name })
	switch {
	case err != nil && !errors.Is(err, catalog.ErrNotFound):
		return earlier, err
	case err == nil && o.restart:
		if earlier.Output != nil { // the server would refuse the new run, after the earlier one is gone
			if err := training.CheckFree(earlier.Output.Directory); err != nil {
				return earlier, err
			}
		}
		if err := c.DeleteRun(ctx, earlier.ID); err != nil {
			return earlier, err
		}
	case err == nil && (earlier.State == catalog.RunStopped || earlier.State == catalog.RunFailed || earlier.Interrupted):
		if err := o.sameAs(earlier); err != nil { // the model in use may have changed since
			return earlier, err
		}
		return c.ResumeRun(ctx, earlier.ID)
	case err == nil && (earlier.State == catalog.RunQueued || earlier.State == catalog.RunRunning):
		return earlier, o.sameAs(earlier) // somebody followed it before, and can do so again
	}
	fields, err := o.config.Object()
	if err != nil {
		return earlier, err
	}
	return c.StartRun(ctx, o.name, fields)
}

// lineOf says how far a run has come.
func lineOf(run web.Run) progress.Text {
	line := fmt.Sprintf("run %s %s", run.Name, run.State)
	if run.Steps > 0 {
		line += fmt.Sprintf(", step %d of %d", run.Step, run.Steps)
	}
	return progress.Text(line)
}

// sameAs is nil for a run that was begun with the settings that are ordered.
func (o runOrder) sameAs(earlier web.Run) error {
	kept, err := json.Marshal(earlier.Config)
	if err != nil {
		return err
	}
	return o.config.GoesOn(o.name, earlier.Base.Directory, kept)
}
