package indexer

import (
	"fmt"
	"hash/fnv"

	"polylens/indexer/catalog"
)

// Sample is a part of what there is: part number Part of Of equal ones, counted from 1.
// The zero value is none of it.
type Sample struct {
	Part int `json:"part,omitempty"`
	Of   int `json:"of,omitempty"`
}

// Everything is all there is.
var Everything = Sample{1, 1}

// mostParts is in how many parts all there is may be divided.
const mostParts = 1_000_000

// Validate returns an error wrapping catalog.ErrInvalid that states the rule, or nil.
func (s Sample) Validate() error {
	if s == (Sample{}) || 1 <= s.Part && s.Part <= s.Of && s.Of <= mostParts {
		return nil
	}
	return fmt.Errorf("part %d of %d is %w: use 1 of 1 for everything, and up to %d parts", s.Part, s.Of, catalog.ErrInvalid, mostParts)
}

// has reports whether a thing of a name is in the part. Each is in one of them.
func (s Sample) has(name string) bool {
	if s.Of == 0 {
		return false
	}
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(name)) // never fails
	return hash.Sum64()%uint64(s.Of) == uint64(s.Part-1)
}
