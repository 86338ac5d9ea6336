package source

import (
	"context"
	"time"
)

// Source is a place where pictures lie.
type Source interface {
	// Name identifies the place permanently: images found in it carry this name, and
	// those that a later walk no longer finds are gone.
	Name() string
	// Count returns how many items Walk would give, at less cost.
	Count(ctx context.Context) (int, error)
	// Walk calls item for every picture, each URI once, in the same order every
	// time, and problem for everything that cannot be used; both from the
	// calling goroutine. It ends with the first error of item, with the
	// context's, or when the place as a whole cannot be read.
	Walk(ctx context.Context, item func(Item) error, problem func(Problem)) error
}

// Item is one picture where it lies, not yet opened.
type Item struct {
	URI      string
	Path     string // of the file to read
	Size     int64  // bytes
	Modified time.Time
	Changed  time.Time // when the inode of the file changed last; zero when unknown
	Sidecar
}

// Sidecar is what the files beside a picture say about it.
type Sidecar struct {
	Metadata map[string]any // JSON values; "tags", when there, is a list of strings
	Captions []Caption
}

// Caption is one text about a picture.
type Caption struct {
	Language string // BCP 47, empty when unknown
	Text     string
}

// ProblemKind says what a problem is about.
type ProblemKind int

const (
	ProblemPicture ProblemKind = iota // a picture that the walk does not give
	ProblemSidecar                    // metadata that pictures are given without
	ProblemFolder                     // everything below was not seen: nothing can be said about pictures there
)

// Problem is something that a walk found and could not use.
type Problem struct {
	URI  string
	Kind ProblemKind
	Err  error
}
