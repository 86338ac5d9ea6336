package catalog

import (
	"fmt"
	"regexp"
	"time"
)

// Collection is a named set of images.
type Collection struct {
	ID   CollectionID `json:"id"`
	Name string       `json:"name"` // as people know it; RenameCollection changes it
	// MaxPatches is the most patches that indexing cuts a picture into, where
	// the model leaves a choice; 0 is the model's own number.
	MaxPatches  int    `json:"max_patches"`
	Fingerprint string `json:"fingerprint"` // of the model that searches use; empty before the first indexing
	// SearchedMaxPatches is what MaxPatches was for the vectors that searches
	// use. They differ until the whole collection is indexed anew.
	SearchedMaxPatches int `json:"searched_max_patches"`
	// Metadata is what indexing takes of what is written in pictures; never "".
	Metadata MetadataChoice `json:"metadata"`
	// Originals is what becomes of the files of pictures that clients send; never "".
	Originals Originals `json:"originals"`

	Images   int       `json:"images"`
	Failures int       `json:"failures"` // of all kinds but FailureOther
	Created  time.Time `json:"created"`
}

// CollectionID identifies a collection in IDs of images and in the index, where its
// name does not matter. It never changes and no two collections share one. At first it
// equals the name, unless a collection that was renamed has that ID.
type CollectionID string

// Limits of Collection.MaxPatches, besides 0.
const (
	LeastMaxPatches = 64
	MostMaxPatches  = 1024
)

// ValidateMaxPatches returns an error wrapping ErrInvalid that states the
// rule, or nil.
func ValidateMaxPatches(maxPatches int) error {
	if maxPatches == 0 || LeastMaxPatches <= maxPatches && maxPatches <= MostMaxPatches {
		return nil
	}
	return fmt.Errorf("max_num_patches %d is %w: use %d to %d", maxPatches, ErrInvalid, LeastMaxPatches, MostMaxPatches)
}

var collectionName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// ValidateCollectionName returns an error wrapping ErrInvalid that states the
// rule, or nil.
func ValidateCollectionName(name string) error {
	if collectionName.MatchString(name) {
		return nil
	}
	return fmt.Errorf("collection name %.80q is %w: use 1 to 63 of a-z, 0-9, _ and -, beginning with a letter or digit", name, ErrInvalid)
}
