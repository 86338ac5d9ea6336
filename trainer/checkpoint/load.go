package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
)

// ErrNone is returned, wrapped, where no checkpoint was ever written.
var ErrNone = errors.New("holds no checkpoint")

// MismatchError says how a checkpoint differs from the run that would go on from it.
type MismatchError struct {
	Path  string // of the checkpoint
	What  string
	Saved string
	Run   string
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("checkpoint %s is of another run: %s is %s there, but this run has %s; continue with what it was started with, or start again in another folder",
		e.Path, e.What, e.Saved, e.Run)
}

// Loaded is what a run goes on from.
type Loaded struct {
	Progress Progress
	Path     string
	Passed   []error // newer checkpoints that are damaged, and why: to be reported to the user
}

// Load fills the state from the newest whole checkpoint. A damaged one is passed
// over. One of another run is not: that is a *MismatchError, which names a
// fingerprint or a tensor. Further sections of the checkpoint are ignored. After an
// error the state may be partly filled.
func (f Folder) Load(ctx context.Context, run Identity, state []Section) (Loaded, error) {
	steps, err := f.candidates()
	if err != nil {
		return Loaded{}, err
	}
	if len(steps) == 0 {
		return Loaded{}, fmt.Errorf("%s %w", f.Path, ErrNone)
	}
	var loaded Loaded
	for _, step := range steps {
		loaded.Path = f.pathOf(step)
		loaded.Progress, err = load(ctx, loaded.Path, run, state)
		var damage *damageError
		if !errors.As(err, &damage) {
			return loaded, err
		}
		loaded.Passed = append(loaded.Passed, err)
	}
	return Loaded{}, fmt.Errorf("%s holds no complete checkpoint: move it away to start again: %w", f.Path, errors.Join(loaded.Passed...))
}

// LoadBest fills the state from the checkpoint with the best metric, which the
// newest whole one names. It does not fall back to another.
func (f Folder) LoadBest(ctx context.Context, run Identity, state []Section) (Loaded, error) {
	newest, err := f.Load(ctx, run, nil)
	if err != nil {
		return Loaded{}, err
	}
	if newest.Progress.Best == nil {
		return Loaded{}, fmt.Errorf("%s was written before the first evaluation and names no best checkpoint", newest.Path)
	}
	path := f.pathOf(newest.Progress.Best.Step)
	progress, err := load(ctx, path, run, state)
	return Loaded{Progress: progress, Path: path, Passed: newest.Passed}, err
}

// damageError says why a checkpoint is not whole.
type damageError struct {
	path string
	err  error
}

func (e *damageError) Error() string {
	return fmt.Sprintf("checkpoint %s is damaged: %v", e.path, e.err)
}

func (e *damageError) Unwrap() error { return e.err }

// load fills the state from one checkpoint once all of it has been verified.
func load(ctx context.Context, dir string, run Identity, state []Section) (Progress, error) {
	files, err := verify(ctx, dir)
	if err != nil {
		return Progress{}, damaged(ctx, dir, err)
	}
	progress, err := readProgress(dir)
	if err != nil {
		return Progress{}, damaged(ctx, dir, err)
	}
	if err := compareIdentity(dir, progress.Run, run); err != nil {
		return Progress{}, err
	}
	for _, section := range state {
		if err := section.check(); err != nil {
			return Progress{}, err
		}
		if !files[section.file()] {
			return Progress{}, &MismatchError{dir, "section " + section.Name, "not there", "one"}
		}
		if err := section.compare(dir); err != nil {
			return Progress{}, err
		}
	}
	for _, section := range state {
		if err := section.fill(ctx, dir); err != nil {
			return Progress{}, damaged(ctx, dir, err)
		}
	}
	return progress, nil
}

// damaged blames the checkpoint, unless it was the caller who gave up.
func damaged(ctx context.Context, dir string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &damageError{dir, err}
}

func readProgress(dir string) (Progress, error) {
	content, err := readSmall(filepath.Join(dir, progressFile), maxProgress)
	if err != nil {
		return Progress{}, err
	}
	progress, err := parseProgress(content)
	if err != nil {
		return Progress{}, fmt.Errorf("%s %w", progressFile, err)
	}
	if stepName(progress.Step) != filepath.Base(dir) {
		return Progress{}, fmt.Errorf("%s is of step %d", progressFile, progress.Step)
	}
	return progress, nil
}

func compareIdentity(dir string, saved, run Identity) error {
	if saved.Config != run.Config {
		return &MismatchError{dir, "the fingerprint of the configuration", saved.Config, run.Config}
	}
	if saved.Data != run.Data {
		return &MismatchError{dir, "the fingerprint of the data", saved.Data, run.Data}
	}
	return nil
}
