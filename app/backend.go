package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"polylens/web"
)

// backend does what the commands index and search ask for: in this process,
// or through the server that holds the data folder.
type backend interface {
	// Search answers the best hits, best first.
	Search(ctx context.Context, collection, text string, limit int) ([]hit, error)
	// Index indexes a folder, tells every change of the job, and answers its
	// final state. When ctx ends the job is canceled. catalog.ErrInvalid for an
	// order that cannot be followed.
	Index(ctx context.Context, order indexOrder, tell func(web.Job)) (web.Job, error)
}

// indexOrder says what to index.
type indexOrder struct {
	collection, folder string
	maxPatches         int // chosen for the collection; 0 keeps its choice
}

// hit is one line of search --json.
type hit struct {
	ID    string  `json:"id"`
	URI   string  `json:"uri"`
	Score float32 `json:"score"`
}

// backend finds the server that holds the data folder, or opens everything in
// this process.
func (p *program) backend(ctx context.Context, command string) (backend, error) {
	instance, holder, err := hold(p.globals.Data, command)
	if errors.Is(err, errInUse) && holder.alive(ctx) {
		p.log.Info("using the server that runs already", "address", holder.Address, "pid", holder.PID)
		r := newRemote(holder.Address)
		return r, p.agrees(ctx, r)
	}
	if err != nil {
		return nil, err
	}
	p.later(instance.release)
	parts, err := p.openParts(ctx)
	if err != nil {
		return nil, err
	}
	if err := parts.connect(ctx); err != nil {
		return nil, err
	}
	return parts, nil
}

// agrees refuses a server that works with another model, or in another precision,
// than the command line names.
func (p *program) agrees(ctx context.Context, r *remote) error {
	if !p.globals.named && p.globals.Precision == "" {
		return nil
	}
	named, err := p.openEncoder(ctx)
	if err != nil {
		return err
	}
	var info web.Info
	if err := r.call(ctx, http.MethodGet, "/info", nil, &info); err != nil {
		return err
	}
	if info.Model.Fingerprint == named.Fingerprint() {
		return nil
	}
	return usageError{fmt.Errorf("the server of the data folder works with its model %s, not with %s in %s: leave --model and --precision out, or stop it",
		info.Model.Name, p.globals.Model, named.Precision())}
}

// outcome is the error of a job that did not succeed.
func outcome(job web.Job) error {
	switch job.State {
	case web.JobFailed:
		return fmt.Errorf("indexing %s failed: %s", job.Source.Directory, job.Error)
	case web.JobCanceled:
		return fmt.Errorf("indexing %s was canceled; what was indexed stays", job.Source.Directory)
	}
	return nil
}
