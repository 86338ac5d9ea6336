package metadata

import (
	"polylens/internal/text"
)

// Parse reads a JSON object from outside, as text.Fields does: keys and texts in
// NFC, integers exact (int64 beyond 2^53, float64 below). A field that cannot be used, or
// that occurs twice, is left out alone, and lost says why.
func Parse(data []byte) (fields map[string]any, lost []error, err error) { return text.Fields(data) }

// Stored reads what the catalogue keeps. Older versions accepted more: see
// text.StoredObject.
func Stored(data []byte) (map[string]any, error) { return text.StoredObject(data) }
