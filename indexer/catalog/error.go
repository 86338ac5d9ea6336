package catalog

import (
	"errors"
	"fmt"
)

// Errors by which rooms say what went wrong, whoever asked. They come wrapped
// with the name and, where there is one, the remedy; one table (package
// web/problem) says what users and clients see of each.
var (
	// ErrNotFound is for what does not exist. The two that follow are also
	// ErrNotFound.
	ErrNotFound = errors.New("not found")
	// ErrCollectionNotFound is for a collection that does not exist, or whose
	// index does not.
	ErrCollectionNotFound error = missing("collection not found")
	// ErrImageNotFound is for an image that the collection does not hold, or that
	// has no vector of the model that was asked for.
	ErrImageNotFound error = missing("image not found")
	// ErrChanged is for a picture whose file is not what was indexed.
	ErrChanged = errors.New("changed since it was indexed")
	// ErrDiscarded is for the file of a picture that its collection does not keep.
	ErrDiscarded = errors.New("its original is not kept")
	// ErrPicture is for what a client sends as a picture and is none that can be used.
	ErrPicture = errors.New("picture cannot be used")
	// ErrConflict is for what exists already, or cannot happen in the present state.
	ErrConflict = errors.New("conflict")
	// ErrInvalid is for a value that cannot be used; it comes with the rule.
	ErrInvalid = errors.New("invalid")
	// ErrBusy is for what there is no room or no turn for now, and may be soon.
	ErrBusy = errors.New("the server is busy: ask again in a few seconds")
	// ErrUnavailable is for a catalogue that cannot be reached now.
	ErrUnavailable = errors.New("catalogue unavailable")
	// ErrDamaged is for a catalogue whose file is broken; it comes with the way back.
	ErrDamaged = errors.New("catalogue damaged")
	// ErrLeaseLost is for a worker whose job may be another's by now: nothing was
	// written.
	ErrLeaseLost = errors.New("lease lost")
)

// missing is an ErrNotFound that says what was not found.
type missing string

// Error implements error.
func (m missing) Error() string { return string(m) }

// Is lets errors.Is find ErrNotFound.
func (missing) Is(target error) bool { return target == ErrNotFound }

// Conflict is an ErrConflict that shows its own words alone: what stands in the way, and
// what to do about it.
func Conflict(format string, arguments ...any) error {
	return conflict(fmt.Sprintf(format, arguments...))
}

type conflict string

// Error implements error.
func (c conflict) Error() string { return string(c) }

// Is lets errors.Is find ErrConflict.
func (conflict) Is(target error) bool { return target == ErrConflict }
