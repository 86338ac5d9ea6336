package catalog

import "fmt"

// MetadataChoice says what a collection takes of the metadata that cameras and programs
// write into pictures or, as XMP and Google Takeout do, beside them. Sidecars and tables
// in Polylens's own form are always read.
type MetadataChoice string

// The choices. The zero value stands for AllMetadata, or for what was chosen before.
const (
	AllMetadata  MetadataChoice = "all"
	WithoutPlace MetadataChoice = "no-place" // all but where a picture was taken
	NoMetadata   MetadataChoice = "none"
)

// Validate returns an error wrapping ErrInvalid that states the rule, or nil.
func (c MetadataChoice) Validate() error {
	switch c {
	case "", AllMetadata, WithoutPlace, NoMetadata:
		return nil
	}
	return fmt.Errorf("metadata %.40q is %w: use all, no-place or none", string(c), ErrInvalid)
}
