package main

import (
	"context"
	"errors"

	"polylens/app/folder"
	"polylens/app/setup"
	"polylens/encoder/hub"
	"polylens/indexer/catalog"
	"polylens/web/problem"
)

// Exit codes, the same for every command.
const (
	exitSuccess     = problem.ExitSuccess
	exitFailure     = problem.ExitFailure
	exitUsage       = problem.ExitUsage
	exitNotSetUp    = problem.ExitNotSetUp
	exitUnavailable = problem.ExitUnavailable
	exitNotFound    = problem.ExitNotFound
	exitIncomplete  = problem.ExitIncomplete
	exitInterrupted = problem.ExitInterrupted
)

// exitHelp documents the codes in every command's help.
const exitHelp = `Exit codes: 0 success, 1 failure, 2 wrong usage, 3 something is not set up (run "polylens setup"), ` +
	`4 not available now (Milvus is down, the disk is full, or another process holds the data folder), 5 no such collection, image, model or job, ` +
	`6 indexed, but for some files that are named, 130 interrupted.`

// errUsage marks a command line that makes no sense.
var errUsage = errors.New("wrong usage")

// usageError is an errUsage that shows its own words alone.
type usageError struct{ error }

func (usageError) Is(target error) bool { return target == errUsage }
func (e usageError) Unwrap() error      { return e.error }

// localErrors are the errors that no request to the API can cause.
func localErrors() []problem.Row {
	return []problem.Row{
		{Err: errUsage, Kind: problem.Kind{Exit: exitUsage}},
		{Err: setup.ErrMissing, Kind: problem.Kind{Exit: exitNotSetUp}},
		{Err: setup.ErrUnsupported, Kind: problem.Kind{Exit: exitNotSetUp}},
		{Err: folder.ErrInUse, Kind: problem.Kind{Exit: exitUnavailable}},
		{Err: hub.ErrUnknownModel, Kind: problem.Kind{Exit: exitNotFound}},
	}
}

// hintOf says where to look for the name of a collection that was not found; "" for other
// errors.
func hintOf(err error) string {
	if errors.Is(err, catalog.ErrCollectionNotFound) {
		return " (`polylens collection list` names those that there are)"
	}
	return ""
}

func exitCode(ctx context.Context, err error) int {
	var incomplete incompleteError
	if errors.As(err, &incomplete) {
		return exitIncomplete
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return exitInterrupted
	}
	return problem.Of(err, append(localErrors(), problem.Table()...)).Exit
}
