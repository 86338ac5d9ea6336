package catalog

import "fmt"

// Originals says what becomes of the files of pictures that clients send to a collection.
// Pictures in folders are nobody's but their owner's, and none of this.
type Originals string

// What a collection does with originals. Where they are discarded, a picture lasts as its
// vector and its largest thumbnail.
const (
	OriginalsKept      Originals = "kept"
	OriginalsDiscarded Originals = "discarded"
)

// Validate returns an error wrapping ErrInvalid that states the rule, or nil. "" stands
// for OriginalsKept.
func (o Originals) Validate() error {
	switch o {
	case "", OriginalsKept, OriginalsDiscarded:
		return nil
	}
	return fmt.Errorf("originals %.40q is %w: use %s or %s", string(o), ErrInvalid, OriginalsKept, OriginalsDiscarded)
}
