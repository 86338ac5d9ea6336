package source

import (
	"context"
	"time"

	"polylens/indexer/metadata"
	"polylens/internal/ordinary"
)

// Source is a place where pictures lie.
type Source interface {
	// Name identifies the place permanently: images found in it carry this name, and
	// those that a later walk no longer finds are gone.
	Name() string
	// Rules say what Walk looks at.
	Rules() Rules
	// Count estimates how many items Walk would give, at less cost: by names alone.
	Count(ctx context.Context) (int, error)
	// Walk tells a visitor of everything that lies there, in the same order every time
	// and from the calling goroutine. It ends with the first error of the visitor, with
	// the context's, or when the place as a whole cannot be read.
	Walk(ctx context.Context, visitor Visitor) error
	// Open opens the file of an item that Walk gave, for reading; see Open and
	// OpenFollowing.
	Open(ctx context.Context, uri string) (*ordinary.File, error)
}

// Visitor is told what a walk comes across. Each entry of a folder is told exactly once,
// to Item, Other, Excluded or Metadata, or to Problem with a kind that IsEntry; only
// folders that are looked into are not told. So the calls add up to what lies there.
// A function that is nil is not called.
type Visitor struct {
	Item     func(Item) error  // a file that is a picture, by its name or its first bytes
	Other    func(Other) error // a file that is none
	Excluded func(Excluded)    // a file, or a folder with all below it, that a rule leaves out
	Metadata func()            // a file that says something about pictures
	// Folder is told, beside the rest, of each folder that is looked into, the place itself
	// too, before what lies in it. Where links are followed, it is told of each link in
	// whose place nothing is seen: it leads nowhere, or to a folder that was reached by
	// another way.
	Folder  func(Entered)
	Problem func(Problem) // what cannot be used
	// Known may say what an earlier walk found of files whose names do not tell, so that
	// they are not opened again: for each item KindPicture, the Kind of an Other, or ""
	// for a file that is new or has changed.
	Known func(ctx context.Context, items []Item) ([]string, error)
}

// Item is one picture where it lies, not yet decoded.
type Item struct {
	URI      string
	Path     string // of the file, for people and errors: it may be another one by now, see Source.Open
	Size     int64  // bytes
	Modified time.Time
	Changed  time.Time // when the inode of the file changed last; zero when unknown
	Sidecar
	// Noted is what programs have written beside the picture: XMP and Google Takeout.
	// What the Sidecar says goes before it.
	Noted metadata.About
	// Unread is whether a file may say more, of which the file system tells nothing now.
	Unread bool
}

// Other is a file that is no picture that can be read. It has no Sidecar.
type Other struct {
	Item
	Kind  string // what it is, for people: "video", "text", "unknown (.xyz)"
	Known bool   // Visitor.Known said so
}

// Excluded is an entry that is not looked at.
type Excluded struct {
	URI  string
	Rule string // for people
}

// KindPicture is what Visitor.Known says of a picture.
const KindPicture = "picture"

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
	ProblemFile    ProblemKind = iota // a file, or a link, of which the file system tells nothing now: it may be a picture, or lead to some
	ProblemSidecar                    // metadata that pictures are given without, or that is of no picture
	ProblemFolder                     // everything below was not seen: nothing can be said about pictures there
	ProblemLink                       // a symbolic link that is not followed
	ProblemSpecial                    // a pipe, a socket or a device
	ProblemName                       // a file whose path is too long
)

// IsEntry reports whether such a problem is all that a visitor is told of an entry;
// others come beside.
func (k ProblemKind) IsEntry() bool { return k != ProblemSidecar }

// Problem is something that a walk found and could not use.
type Problem struct {
	URI  string
	Kind ProblemKind
	Err  error
}
