package catalog

// ImageSort is an order of images.
type ImageSort string

// The orders. A minus reverses each.
const (
	SortURI     ImageSort = ""
	SortCreated ImageSort = "created"
	SortUpdated ImageSort = "updated"
)

// ImageQuery chooses images of a collection, page by page.
type ImageQuery struct {
	Limit   int                                // most images of a page, 1 or more
	Cursor  string                             // that came with the page before; "" for the first
	Matches func(metadata map[string]any) bool // nil: every image
	Sort    ImageSort
	Reverse bool
}
