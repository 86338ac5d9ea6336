package catalog

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Scope is a group of operations that a key may be for.
type Scope string

const (
	ScopeSearch Scope = "search" // look at collections and images, and search them
	ScopeIndex  Scope = "index"  // change collections and what is in them, and steer that work
	ScopeTrain  Scope = "train"  // look at trainings, steer them, and choose their models
	ScopeAdmin  Scope = "admin"  // everything, and keys as well
)

// Scopes lists all scopes.
func Scopes() []Scope { return []Scope{ScopeSearch, ScopeIndex, ScopeTrain, ScopeAdmin} }

// ScopeNames are scopes as texts.
func ScopeNames(scopes []Scope) []string {
	names := make([]string, len(scopes))
	for i, scope := range scopes {
		names[i] = string(scope)
	}
	return names
}

// everyScope lists the scopes for people.
func everyScope() string { return strings.Join(ScopeNames(Scopes()), ", ") }

// Bounds of a key.
const (
	MaxKeyName        = 200  // bytes
	MaxKeyCollections = 1000 // names
	MaxKeyRate        = 1e6  // requests a second
	MaxKeyBurst       = 1e6  // requests
)

// Key is what is known of an API key: what it is for, and how to recognize it, but not
// the key itself.
type Key struct {
	ID          string
	Name        string // for people
	Hash        []byte // SHA-256 of the key's text
	Signing     []byte // with which its holder signs tokens for searches, see SigningSecret
	Scopes      []Scope
	Collections []string // nil: all, also those to come
	Rate        float64  // requests a second; 0: what the server grants by default
	Burst       int      // requests that may come at once; 0 with Rate 0
	Creator     string   // ID of the key that made it; empty: somebody without one
	Created     time.Time
	Expires     time.Time // zero: never
	Revoked     time.Time // zero: not
	Used        time.Time // the last time, to the minute; zero: not yet
}

// Validate returns ErrInvalid, wrapped, for a key that makes no sense.
func (k Key) Validate(now time.Time) error {
	switch {
	case strings.TrimSpace(k.Name) == "" || len(k.Name) > MaxKeyName || !utf8.ValidString(k.Name) || strings.ContainsFunc(k.Name, unicode.IsControl):
		return fmt.Errorf("%w: the name of a key is one line of 1 to %d bytes", ErrInvalid, MaxKeyName)
	case len(k.Scopes) == 0:
		return fmt.Errorf("%w: a key needs at least one scope of %s", ErrInvalid, everyScope())
	case k.Collections != nil && len(k.Collections) == 0:
		return fmt.Errorf("%w: an empty list of collections allows none; leave it out to allow all", ErrInvalid)
	case len(k.Collections) > MaxKeyCollections:
		return fmt.Errorf("%w: a key names at most %d collections", ErrInvalid, MaxKeyCollections)
	case !k.Expires.IsZero() && !k.Expires.After(now):
		return fmt.Errorf("%w: the key would have expired already, at %s", ErrInvalid, k.Expires.UTC().Format(time.RFC3339))
	}
	return k.validateParts()
}

func (k Key) validateParts() error {
	for _, scope := range k.Scopes {
		if !slices.Contains(Scopes(), scope) {
			return fmt.Errorf("%w: there is no scope %.20q; there are %s", ErrInvalid, scope, everyScope())
		}
	}
	for _, name := range k.Collections {
		if err := ValidateCollectionName(name); err != nil {
			return err
		}
	}
	if limited := k.Rate != 0 || k.Burst != 0; limited && !(k.Rate > 0 && k.Rate <= MaxKeyRate && k.Burst >= 1 && k.Burst <= MaxKeyBurst) {
		return fmt.Errorf("%w: a limit is more than 0 and at most %d requests a second, and 1 to %d at once", ErrInvalid, int(MaxKeyRate), int(MaxKeyBurst))
	}
	return nil
}

// Has reports whether the key has one of some scopes. The scope admin stands for all.
func (k Key) Has(any ...Scope) bool {
	return slices.ContainsFunc(k.Scopes, func(has Scope) bool { return has == ScopeAdmin || slices.Contains(any, has) })
}

// Allows reports whether the key is for a collection.
func (k Key) Allows(collection string) bool {
	return k.Collections == nil || slices.Contains(k.Collections, collection)
}

// State says for people why a key counts no longer; it is empty for one that does.
func (k Key) State(now time.Time) string {
	switch {
	case !k.Revoked.IsZero():
		return "revoked"
	case !k.Expires.IsZero() && !k.Expires.After(now):
		return "expired"
	}
	return ""
}

// Exceeds says for people by what a key would allow more than another one; it is empty
// where it does not. What is not limited is more than any limit.
func (k Key) Exceeds(other Key) string {
	for _, scope := range k.Scopes {
		if !other.Has(scope) {
			return fmt.Sprintf("the scope %q", scope)
		}
	}
	if other.Collections != nil && k.Collections == nil {
		return "all collections: name some of " + strings.Join(other.Collections, ", ")
	}
	for _, name := range k.Collections {
		if !other.Allows(name) {
			return fmt.Sprintf("the collection %q", name)
		}
	}
	if !other.Expires.IsZero() && (k.Expires.IsZero() || k.Expires.After(other.Expires)) {
		return "a time beyond its own end: let it expire at " + other.Expires.UTC().Format(time.RFC3339) + " or earlier"
	}
	if other.Rate > 0 && (k.Rate == 0 || k.Rate > other.Rate || k.Burst > other.Burst) {
		return fmt.Sprintf("more requests: its own limit is %g a second and %d at once", other.Rate, other.Burst)
	}
	return ""
}
