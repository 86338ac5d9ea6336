package catalog

// IndexRow is what an index has to hold for one image.
type IndexRow struct {
	ID       string
	Digest   string    // state of the image this row mirrors
	Vector   []float32 // unit length
	Metadata map[string]any
}
