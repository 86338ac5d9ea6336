package search

import (
	"strings"
	"unicode/utf8"

	"polylens/indexer/catalog"

	"golang.org/x/text/unicode/norm"
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

	exclude string // an ID to leave out
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

	Copies    []catalog.Image // with GroupContent: others with the same content, at most MaxCopies
	CopyCount int             // how many there are
}

// cleanText trims and composes (NFC) a query. Casing is left to the tokenizer,
// which does what the model's training did.
func cleanText(text string) (string, error) {
	if !utf8.ValidString(text) {
		return "", invalid("text", "it is not valid UTF-8")
	}
	text = norm.NFC.String(strings.TrimSpace(text))
	if text == "" {
		return "", invalid("text", "it is empty")
	}
	if len(text) > MaxTextBytes {
		return "", invalid("text", "it is %d bytes long, more than %d", len(text), MaxTextBytes)
	}
	return text, nil
}
