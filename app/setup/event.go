package setup

import (
	"fmt"
	"time"
)

// Stages that an item passes through.
const (
	StageWait     = "wait"     // another process is working on it
	StageFetch    = "fetch"    // being downloaded; repeated while it lasts
	StageFetched  = "fetched"  // downloaded and verified
	StageUnpack   = "unpack"   // being unpacked
	StageUnpacked = "unpacked" // complete
	StageReady    = "ready"    // usable at Path
	StageSkipped  = "skipped"  // optional, and not available because of Err
)

// Event says how far an item has come.
type Event struct {
	Item    string
	Stage   string
	Name    string // of the package, when fetching
	Bytes   int64  // so far, 0 when unknown
	Total   int64  // of the download
	Path    string // when ready
	Source  string // when ready
	Err     error  // when skipped
	Elapsed time.Duration
}

// String is one line for people.
func (e Event) String() string {
	switch e.Stage {
	case StageWait:
		return fmt.Sprintf("%s: waiting for another setup to finish it", e.Item)
	case StageFetch:
		return fmt.Sprintf("%s: fetching %s, %.1f MB%s", e.Item, e.Name, megabytes(e.Total), e.share())
	case StageFetched:
		return fmt.Sprintf("%s: fetched and verified %s, %.1f MB in %.1f s", e.Item, e.Name, megabytes(e.Total), e.Elapsed.Seconds())
	case StageUnpack:
		return fmt.Sprintf("%s: unpacking", e.Item)
	case StageUnpacked:
		return fmt.Sprintf("%s: unpacked in %.1f s", e.Item, e.Elapsed.Seconds())
	case StageSkipped:
		return fmt.Sprintf("%s: done without, which is slower: %v", e.Item, e.Err)
	}
	return fmt.Sprintf("%s: ready in %s", e.Item, e.Path)
}

// share shows progress: a percentage where the client shows its bytes, else
// the time.
func (e Event) share() string {
	switch {
	case e.Elapsed == 0:
		return ""
	case e.Bytes == 0 || e.Total == 0:
		return fmt.Sprintf(" (%.0f s so far)", e.Elapsed.Seconds())
	}
	return fmt.Sprintf(" (%d %%, %.0f s)", min(99, 100*e.Bytes/e.Total), e.Elapsed.Seconds())
}

func megabytes(bytes int64) float64 { return float64(bytes) / 1e6 }
