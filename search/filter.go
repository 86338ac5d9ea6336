package search

// Filter is an allow-listed condition on metadata. It is data, never text in
// the index's own language: see ParseFilter for its JSON form.
type Filter interface {
	// Matches evaluates the condition on one row's metadata.
	Matches(metadata map[string]any) bool
}
