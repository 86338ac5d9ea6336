package metadata

import (
	"polylens/internal/text"
)

// Parse reads a JSON object from outside, as text.Object does: keys and texts in
// NFC, integers exact (int64 beyond 2^53, float64 below), no key twice.
func Parse(data []byte) (map[string]any, error) { return text.Object(data) }

// Stored reads what the catalogue keeps. Older versions accepted more: see
// text.StoredObject.
func Stored(data []byte) (map[string]any, error) { return text.StoredObject(data) }
