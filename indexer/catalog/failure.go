package catalog

import (
	"time"
)

// FailureKind says what a Failure is about.
type FailureKind string

const (
	FailurePicture    FailureKind = "picture"    // a picture that is not indexed
	FailureIncomplete FailureKind = "incomplete" // a picture that is indexed, and is less than its file was meant to hold
	FailureOther      FailureKind = "other"      // a file that is no picture that can be read; the reason names what it is
	FailureFile       FailureKind = "file"       // a file, or a link, that cannot be looked at now; it may be a picture, or lead to some
	FailureFolder     FailureKind = "folder"     // what lies below was not looked at
	FailureName       FailureKind = "name"       // a file whose path is too long to be indexed
	FailureLink       FailureKind = "link"       // a symbolic link that is not followed
	FailureSpecial    FailureKind = "special"    // a pipe, a socket or a device
	FailureSidecar    FailureKind = "sidecar"    // metadata that cannot be read, or that is of no picture
)

// FailureKinds are all of them.
var FailureKinds = []FailureKind{
	FailurePicture, FailureIncomplete, FailureOther, FailureFile, FailureFolder, FailureName, FailureLink, FailureSpecial, FailureSidecar,
}

// MissesPictures reports whether such a failure keeps pictures from being indexed, or may:
// with one, a folder is not indexed as a whole.
func (k FailureKind) MissesPictures() bool {
	switch k {
	case FailurePicture, FailureFile, FailureFolder, FailureName:
		return true
	}
	return false
}

// Failure is a file that could not be used, or not wholly, as it was when that was found.
type Failure struct {
	URI      string      `json:"uri"`
	Source   string      `json:"source"`
	Kind     FailureKind `json:"kind"`
	Reason   string      `json:"reason"`
	Size     int64       `json:"size"`
	Modified time.Time   `json:"modified,omitzero"`
	Changed  time.Time   `json:"changed,omitzero"` // when its inode changed last; zero when unknown
	Decoder  int         `json:"-"`                // version of the decoders that gave up
	Created  time.Time   `json:"created"`
}
