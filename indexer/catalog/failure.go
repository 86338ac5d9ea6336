package catalog

import (
	"time"
)

// FailureKind says what could not be read.
type FailureKind string

const (
	FailurePicture FailureKind = "picture" // the picture is not indexed
	FailureSidecar FailureKind = "sidecar" // pictures are indexed without this metadata
	FailureFolder  FailureKind = "folder"  // what lies below was not looked at
)

// Failure is a file that could not be used, as it was when that was found.
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
