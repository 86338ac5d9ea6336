package upload

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
)

// Patience is how long an upload is kept that nobody goes on with, and one that is finished
// and that nobody uses.
const Patience = 24 * time.Hour

// About is what is known of an upload from its beginning on.
type About struct {
	ID         string            `json:"id"`
	Collection string            `json:"collection"` // whose pushes may use it
	Owner      string            `json:"owner"`      // whose share of the room it takes
	Size       int64             `json:"size"`       // bytes of the whole file
	Metadata   map[string]string `json:"metadata,omitempty"`
	Created    time.Time         `json:"created"`
}

// Upload is a file of which some has arrived.
type Upload struct {
	About
	Offset  int64     // bytes that have arrived
	Touched time.Time // when the last of them did

	parts []blob.File // in their order
}

// Finished reports whether all has arrived.
func (u Upload) Finished() bool { return u.Offset == u.Size }

// Expires is when it is removed unless somebody goes on with it, or uses it.
func (u Upload) Expires() time.Time { return u.Touched.Add(Patience) }

// Folder is where the blob store keeps uploads.
const Folder = "uploads/"

const (
	abouts = Folder + "about/"
	parts  = Folder + "parts/"
	uses   = Folder + "uses/"
)

func partName(id string, offset int64) string { return fmt.Sprintf("%s%s/%016d", parts, id, offset) }

// assemble adds what has arrived: the parts that follow one another without a gap.
func assemble(about About, written time.Time, files []blob.File) Upload {
	u := Upload{About: about, Touched: written}
	for _, file := range files { // in the order of their offsets
		if file.Name == partName(about.ID, u.Offset) && file.Size > 0 {
			u.parts = append(u.parts, file)
			u.Offset += file.Size
			u.Touched = later(u.Touched, file.Modified)
		}
	}
	return u
}

func later(a, b time.Time) time.Time { return slices.MaxFunc([]time.Time{a, b}, time.Time.Compare) }

// Limits bound what uploads may take. 0 stands for the default.
type Limits struct {
	Bytes      int64 // of one upload; 64 GiB
	Uploads    int   // of one owner at a time; 64
	OwnerBytes int64 // of all uploads of one owner; 128 GiB
	AllUploads int   // at a time; 1,024
	AllBytes   int64 // of all; 512 GiB
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Bytes: cmp.Or(l.Bytes, 64<<30), Uploads: cmp.Or(l.Uploads, 64), OwnerBytes: cmp.Or(l.OwnerBytes, 128<<30),
		AllUploads: cmp.Or(l.AllUploads, 1024), AllBytes: cmp.Or(l.AllBytes, 512<<30),
	}
}

// LimitError is for an upload that there is no place for now.
type LimitError struct{ words string }

// Error implements error.
func (e *LimitError) Error() string { return e.words }

// fits is a LimitError unless a new upload may begin beside others.
func (l Limits) fits(about About, others []About) error {
	own, ownBytes, allBytes := 1, about.Size, about.Size
	for _, other := range others {
		allBytes += other.Size
		if other.Owner == about.Owner {
			own, ownBytes = own+1, ownBytes+other.Size
		}
	}
	switch {
	case own > l.Uploads:
		return &LimitError{fmt.Sprintf("%d uploads are kept for you already: use or delete some first", l.Uploads)}
	case ownBytes > l.OwnerBytes:
		return &LimitError{fmt.Sprintf("your uploads would have %d bytes together, at most %d are kept: use or delete some first", ownBytes, l.OwnerBytes)}
	case len(others)+1 > l.AllUploads || allBytes > l.AllBytes:
		return &LimitError{"this server keeps as many uploads as it can: try again later"}
	}
	return nil
}

func (l Limits) check(about About) error {
	if about.Size < 0 || about.Size > l.Bytes {
		return fmt.Errorf("an upload of %d bytes is %w: at most %d are kept", about.Size, catalog.ErrInvalid, l.Bytes)
	}
	return catalog.ValidateCollectionName(about.Collection)
}
