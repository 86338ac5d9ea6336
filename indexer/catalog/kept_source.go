package catalog

import (
	"encoding/json"
	"fmt"
	"time"
)

// Bounds of a kept source.
const (
	DefaultScanInterval = time.Hour
	MinScanInterval     = time.Minute
	MaxScanInterval     = 30 * 24 * time.Hour
	MaxKeptSources      = 100 // of a collection
)

// KeptSource is a folder that a collection is kept in step with.
type KeptSource struct {
	ID         string
	Collection string          // name
	Directory  string          // absolute path
	Settings   json.RawMessage // parameters of its jobs
	Every      time.Duration   // between two scans
	Events     bool            // scanned also when something changes in it
	Lead       string          // what its folders were when its last scan was ordered, in short
	Created    time.Time
	Last       Job // its last scan; without an ID: none, or so long ago that it is forgotten
}

// Validate returns ErrInvalid, wrapped, for an interval that is too short or too long.
func (s KeptSource) Validate() error {
	if s.Every < MinScanInterval || s.Every > MaxScanInterval {
		return fmt.Errorf("interval of scans, %v, is %w: use %v to %v", s.Every, ErrInvalid, MinScanInterval, MaxScanInterval)
	}
	return nil
}

// Scan says of a new job that it scans a kept source.
type Scan struct {
	Source string // ID
	After  string // ID of the source's last scan: ErrConflict if there is another by now, or if it has not ended
	Forced bool   // whatever the last scan is
	Lead   string // see KeptSource
}
