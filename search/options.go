package search

import (
	"polylens/indexer/catalog"
	"polylens/internal/text"
)

// Limits of one page and of a text query.
const (
	DefaultLimit = 40
	MaxPage      = 1000
	MaxTextBytes = 4096 // far more than the 64 tokens that the model reads
)

// Options narrows and pages a search. The zero value asks for the first
// DefaultLimit hits.
type Options struct {
	Limit  int    // hits a page, 1 to MaxPage; 0 means DefaultLimit
	Cursor string // Results.Next of the page before; empty for the first
	Filter Filter // nil: every image
	Group  Grouping

	// Within is what the caller may see at all; nil: every image. It holds beside Filter,
	// and nothing tells of images beyond it.
	Within Filter

	exclude string // an ID to leave out
}

// filter is what every hit has to fulfil.
func (o Options) filter() Filter {
	switch {
	case o.Within == nil:
		return o.Filter
	case o.Filter == nil:
		return o.Within
	}
	return And{o.Within, o.Filter}
}

// sees reports whether an image may be shown.
func (o Options) sees(image catalog.Image) bool {
	return o.Within == nil || o.Within.Matches(image.Metadata)
}

// Results is one page of hits, best first. A page may hold fewer hits than
// asked for and still have a Next.
type Results struct {
	Hits []Hit
	Next string // cursor of the next page; empty after the last
}

// Hit is one image found.
type Hit struct {
	catalog.Image
	Score float32 // inner product with the query, -1 to 1

	Copies    []catalog.Image // with GroupContent: others with the same content, ID and URI of at most MaxCopies
	CopyCount int             // how many there are
}

// cleanText brings a query into the form in which it is looked for (text.Query).
func cleanText(query string) (string, error) {
	if err := text.Check(query); err != nil {
		return "", invalid("text", "%v", err)
	}
	if len(query) > 4*MaxTextBytes {
		return "", invalid("text", "it is %d bytes long, more than %d", len(query), MaxTextBytes)
	}
	switch query = text.Query(query); {
	case query == "":
		return "", invalid("text", "it is empty, or nothing of it can be seen: say what the picture shows")
	case len(query) > MaxTextBytes:
		return "", invalid("text", "it is %d bytes long, more than %d", len(query), MaxTextBytes)
	}
	return query, nil
}
