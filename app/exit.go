package main

import (
	"context"
	"errors"

	"polylens/app/setup"
	"polylens/encoder/hub"
	"polylens/search"
	"polylens/web"
)

// Exit codes, the same for every command.
const (
	exitSuccess     = 0
	exitFailure     = 1
	exitUsage       = 2
	exitNotSetUp    = 3
	exitUnavailable = 4
	exitNotFound    = 5
	exitInterrupted = 130
)

// exitHelp documents the codes in every command's help.
const exitHelp = `Exit codes: 0 success, 1 failure, 2 wrong usage, 3 something is not set up (run "polylens setup"), ` +
	`4 not available now (Milvus is down, or another process holds the data folder), 5 no such collection, image or model, 130 interrupted.`

var (
	// errUsage marks a command line that cannot be meant.
	errUsage = errors.New("wrong usage")
	// errNotFound marks a name that does not exist.
	errNotFound = errors.New("not found")
	// errInUse marks a data folder that another process holds.
	errInUse = errors.New("in use")
)

// usageError is an errUsage that shows its own words alone.
type usageError struct{ error }

func (usageError) Is(target error) bool { return target == errUsage }
func (e usageError) Unwrap() error      { return e.error }

func exitCode(ctx context.Context, err error) int {
	is := func(targets ...error) bool {
		for _, target := range targets {
			if errors.Is(err, target) {
				return true
			}
		}
		return false
	}
	switch {
	case is(context.Canceled) && ctx.Err() != nil:
		return exitInterrupted
	case is(errUsage):
		return exitUsage
	case is(setup.ErrMissing, setup.ErrUnsupported):
		return exitNotSetUp
	case is(search.ErrUnavailable, errInUse, web.ErrBusy):
		return exitUnavailable
	case is(errNotFound, hub.ErrUnknownModel, search.ErrCollectionNotFound, search.ErrImageNotFound, web.ErrNotFound):
		return exitNotFound
	}
	return exitFailure
}
