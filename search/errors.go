package search

import (
	"errors"
	"fmt"

	"polylens/indexer/catalog"
)

// InvalidError says which part of a query cannot be used, and why.
type InvalidError struct {
	Field  string // as the caller names it: text, picture, image, limit, cursor, filter
	Reason string
}

// Error implements error.
func (e *InvalidError) Error() string { return fmt.Sprintf("invalid %s: %s", e.Field, e.Reason) }

// Is lets errors.Is find catalog.ErrInvalid.
func (e *InvalidError) Is(target error) bool { return target == catalog.ErrInvalid }

func invalid(field, format string, args ...any) error {
	return &InvalidError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// ErrModelMismatch is a ModelMismatchError, as errors.Is finds it.
var ErrModelMismatch = errors.New("indexed with another model")

// ModelMismatchError is returned for a collection whose vectors were made by
// another model than the loaded one: comparing them would be meaningless.
type ModelMismatchError struct {
	Collection string
	Indexed    string // fingerprint of the model of the index
	Loaded     string // fingerprint of the loaded model
}

// Error implements error and names both remedies.
func (e *ModelMismatchError) Error() string {
	return fmt.Sprintf("collection %q was indexed with model %s, but model %s is loaded: "+
		"index it again with this model, or start Polylens with the model it was indexed with",
		e.Collection, short(e.Indexed), short(e.Loaded))
}

// Is lets errors.Is find ErrModelMismatch.
func (e *ModelMismatchError) Is(target error) bool { return target == ErrModelMismatch }

func short(fingerprint string) string {
	return fingerprint[:min(len(fingerprint), 12)]
}
