package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"polylens/indexer/catalog"
	"polylens/web"
)

// runOrder says what to train.
type runOrder struct {
	name    string
	config  runConfig
	restart bool // forget an earlier run of the name
}

// train orders a run, or goes on with the one of its name, and follows it. When
// ctx ends the run is stopped.
func (r *remote) train(ctx context.Context, order runOrder, tell func(web.Run)) (web.Run, error) {
	run, err := r.begin(ctx, order)
	for err == nil && (run.State == catalog.RunQueued || run.State == catalog.RunRunning) {
		tell(run)
		select {
		case <-ctx.Done():
			return run, r.stopRun(ctx, run)
		case <-time.After(300 * time.Millisecond):
		}
		err = r.call(ctx, http.MethodGet, "/runs/"+run.ID, nil, &run)
	}
	return run, err
}

func (r *remote) begin(ctx context.Context, order runOrder) (web.Run, error) {
	earlier, err := r.runNamed(ctx, order.name)
	switch {
	case err != nil && !errors.Is(err, catalog.ErrNotFound):
		return earlier, err
	case err == nil && order.restart:
		if earlier.Output != nil { // the server would refuse the new run, after the earlier one is gone
			if err := checkFree(earlier.Output.Directory); err != nil {
				return earlier, err
			}
		}
		if err := r.call(ctx, http.MethodDelete, "/runs/"+earlier.ID, nil, nil); err != nil {
			return earlier, err
		}
	case err == nil && (earlier.State == catalog.RunStopped || earlier.State == catalog.RunFailed || earlier.Interrupted):
		return r.goOn(ctx, earlier, order)
	case err == nil && (earlier.State == catalog.RunQueued || earlier.State == catalog.RunRunning):
		return earlier, order.sameAs(earlier) // somebody followed it, and can again
	}
	fields, err := order.config.fields()
	if err != nil {
		return earlier, err
	}
	var run web.Run
	err = r.call(ctx, http.MethodPost, "/runs", map[string]any{"name": order.name, "config": fields}, &run)
	return run, err
}

// goOn resumes a run if it was begun with the same settings; the model that it
// began with was that of its time.
func (r *remote) goOn(ctx context.Context, earlier web.Run, order runOrder) (web.Run, error) {
	if err := order.sameAs(earlier); err != nil {
		return earlier, err
	}
	var run web.Run
	err := r.call(ctx, http.MethodPost, "/runs/"+earlier.ID+"/resume", map[string]any{}, &run)
	return run, err
}

// stopRun ends a run after its caller's context has ended.
func (r *remote) stopRun(ctx context.Context, run web.Run) error {
	last, stop := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer stop()
	if err := r.call(last, http.MethodPost, "/runs/"+run.ID+"/stop", map[string]any{}, &run); err != nil {
		return fmt.Errorf("%w (and the run could not be stopped: %w)", ctx.Err(), err)
	}
	return ctx.Err()
}

// runNamed finds the newest run of a name.
func (r *remote) runNamed(ctx context.Context, name string) (web.Run, error) {
	return r.findRun(ctx, func(run web.Run) bool { return run.Name == name }, fmt.Sprintf("run %q", name))
}

// findRun is the newest run that is wanted.
func (r *remote) findRun(ctx context.Context, wanted func(web.Run) bool, what string) (web.Run, error) {
	for cursor := ""; ; {
		var page struct {
			Runs []web.Run
			Next string
		}
		if err := r.call(ctx, http.MethodGet, "/runs?limit=1000&cursor="+url.QueryEscape(cursor), nil, &page); err != nil {
			return web.Run{}, err
		}
		for _, run := range page.Runs {
			if wanted(run) {
				return run, nil
			}
		}
		if cursor = page.Next; cursor == "" {
			return web.Run{}, fmt.Errorf("%s: %w", what, catalog.ErrNotFound)
		}
	}
}

// runPrinter tells people now and then how far a run is.
func runPrinter(p *program) func(web.Run) {
	next := time.Now().Add(2 * time.Second)
	return func(run web.Run) {
		if time.Now().Before(next) {
			return
		}
		next = time.Now().Add(5 * time.Second)
		line := fmt.Sprintf("run %s %s", run.Name, run.State)
		if run.Steps > 0 {
			line += fmt.Sprintf(", step %d of %d", run.Step, run.Steps)
		}
		fmt.Fprintln(p.terminal.err, line)
	}
}

// sameAs is nil for a run that was begun with the settings that are ordered.
func (o runOrder) sameAs(earlier web.Run) error {
	config := o.config
	if config.Model == "" {
		config.Model = earlier.Base.Directory
	}
	kept, err := json.Marshal(earlier.Config)
	if err != nil {
		return err
	}
	if !config.equal(kept) {
		return fmt.Errorf("the run %q was begun with other settings: choose another --name, or begin anew with --restart", o.name)
	}
	return nil
}
