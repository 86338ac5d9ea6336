package catalog

import "errors"

var (
	// ErrNotFound is returned, wrapped with what was asked for, when the
	// catalogue has no such row.
	ErrNotFound = errors.New("not found")
	// ErrConflict is returned, wrapped, when a row with that name exists or a
	// task is in a state that does not allow the change.
	ErrConflict = errors.New("conflict")
	// ErrInvalid is returned, wrapped with the rule, for a value that the
	// catalogue does not accept.
	ErrInvalid = errors.New("invalid")
)
