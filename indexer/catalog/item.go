package catalog

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// PushedSource is the source of images that clients send with an identity of their own.
const PushedSource = "push:"

// maxItemID bounds an identity that a client chooses.
const maxItemID = 512

// PushedURI is the URI of a pushed image, by the client's own identity of it.
func PushedURI(id string) string { return PushedSource + id }

// ValidateItemID returns an error wrapping ErrInvalid that states the rule, or nil.
func ValidateItemID(id string) error {
	switch {
	case id == "" || len(id) > maxItemID:
		return fmt.Errorf("id of %d bytes is %w: use 1 to %d bytes", len(id), ErrInvalid, maxItemID)
	case !utf8.ValidString(id):
		return fmt.Errorf("id %.80q is %w: it is not UTF-8", id, ErrInvalid)
	case strings.ContainsFunc(id, unicode.IsControl):
		return fmt.Errorf("id %.80q is %w: leave control characters out", id, ErrInvalid)
	}
	return nil
}

// Operation is what an item of a push wants done.
type Operation string

// The operations.
const (
	OperationUpsert Operation = "upsert" // add a picture, or replace the one with the same identity
	OperationPatch  Operation = "patch"  // change metadata and captions, and encode nothing
	OperationDelete Operation = "delete"
)

// Outcome says what became of an item.
type Outcome string

// The outcomes.
const (
	OutcomeCreated   Outcome = "created"
	OutcomeUpdated   Outcome = "updated"
	OutcomeUnchanged Outcome = "unchanged" // it was so already
	OutcomeDeleted   Outcome = "deleted"
	OutcomeFailed    Outcome = "failed"
)

// ItemResult is what became of one item of a push.
type ItemResult struct {
	Number    int64     // of its line, from 1
	ID        string    // the client's own identity; empty when it could not be read
	Operation Operation // empty when it could not be read
	Outcome   Outcome
	Problem   string // name of the problem, of one that failed
	Detail    string // the problem for people; of one that did not fail, what of it was left out
}

// ItemFilter chooses results of a push.
type ItemFilter struct {
	After   int64   // only items with a higher number
	Outcome Outcome // "": all
	Limit   int     // most items
}
