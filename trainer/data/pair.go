package data

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"polylens/internal/text"
)

// Picture says where the bytes of a picture are. It is comparable: equal values
// are the same bytes.
type Picture struct {
	URI    string // file:///..., http://... or https://...
	Within string // URI of the folder that the file must lie in, even through links; "" is anywhere
	SHA256 string // of its bytes, hexadecimal, when others must not take their place; "" is any
	Member string // name inside of the file, a shard; "" is the whole file
	Offset int64  // of the member in bytes
	Size   int64  // of the member in bytes
}

// String is the URI, with the member behind "#".
func (p Picture) String() string {
	if p.Member == "" {
		return p.URI
	}
	return p.URI + "#" + p.Member
}

// Place is where something was written.
type Place struct {
	File string
	Part string // line:7, member or image; "" is the whole file
}

// String is FILE:LINE for lines and rows, else FILE#PART.
func (p Place) String() string {
	if line, ok := strings.CutPrefix(p.Part, "line:"); ok {
		return p.File + ":" + line
	}
	if p.Part == "" {
		return p.File
	}
	return p.File + "#" + p.Part
}

func atLine(file string, line int) Place { return Place{file, fmt.Sprintf("line:%d", line)} }

// Caption is a text about a picture.
type Caption struct {
	Language string // BCP 47, empty when unknown
	Text     string
}

// isEmpty: nothing of it can be seen.
func (c Caption) isEmpty() bool { return text.Query(c.Text) == "" }

// Record is what one place says about one picture.
type Record struct {
	Picture    Picture
	Captions   []Caption
	Empty      int               // captions that hold no text; they are not in Captions
	Item       string            // "" is the content of the picture
	Relevance  float32           // of every caption for the picture, 0 to 1
	Attributes map[string]string // those that were asked for and are there
	Place      Place
}

// Problem is a place that could not be used.
type Problem struct {
	Place Place
	Err   error
}

func (p Problem) Error() string { return fmt.Sprintf("%s: %v", p.Place, p.Err) }

// Unwrap gives Err.
func (p Problem) Unwrap() error { return p.Err }

// Source is a place where pairs lie.
type Source interface {
	// Read calls record for everything that the source says of pictures, in the
	// same order every time, and problem for each place that cannot be used; both
	// from the calling goroutine. It ends with the first error of record, with the
	// context's, or when the rest of the source cannot be read.
	Read(ctx context.Context, record func(Record) error, problem func(Problem)) error
}

// Pair is a picture and a text that belong together.
type Pair struct {
	Picture    int // index into Set.Pictures
	Text       string
	Language   string            // BCP 47, empty when unknown
	Item       string            // pairs of one item are positives of one another; "" is the content of the picture
	Relevance  float32           // of the text for the picture, 0 to 1
	Attributes map[string]string // shared by the pairs of a record: not to be written
	Place      Place
}

// Set is everything that sources say, read into memory.
type Set struct {
	Pictures []Picture
	Pairs    []Pair
	Items    []string  // of each picture: the first one that was named, or ""
	Empty    []Place   // of records with captions that hold no text
	Problems []Problem // what could not be used
	records  int
	known    map[Picture]int
}

// Collect reads sources one after the other. Records about one picture add up;
// texts come in the form of a query (text.Query), so that a model learns what it will be
// asked, and tags of languages in lower case; a text that the picture has in the same language already is left out. The error is that
// of the source that could not be read to its end.
func Collect(ctx context.Context, sources ...Source) (*Set, error) {
	set := &Set{known: make(map[Picture]int)}
	seen := make(map[pairKey]bool)
	for _, source := range sources {
		err := source.Read(ctx,
			func(r Record) error { set.add(r, seen); return nil },
			func(p Problem) { set.Problems = append(set.Problems, p) })
		if err != nil {
			return nil, err
		}
	}
	set.known = nil
	return set, nil
}

// pairKey tells pairs apart.
type pairKey struct {
	picture        int
	language, text string
}

func (s *Set) add(r Record, seen map[pairKey]bool) {
	s.records++
	picture, ok := s.known[r.Picture]
	if !ok {
		picture = len(s.Pictures)
		s.known[r.Picture] = picture
		s.Pictures = append(s.Pictures, r.Picture)
		s.Items = append(s.Items, "")
	}
	if s.Items[picture] == "" {
		s.Items[picture] = r.Item
	}
	if r.Empty > 0 || slices.ContainsFunc(r.Captions, Caption.isEmpty) {
		s.Empty = append(s.Empty, r.Place)
	}
	for _, c := range r.Captions {
		if c.Text = text.Query(c.Text); c.Text == "" {
			continue
		}
		c.Language = strings.ToLower(c.Language) // tags differ in nothing else by their case
		key := pairKey{picture, c.Language, c.Text}
		if seen[key] {
			continue
		}
		seen[key] = true
		s.Pairs = append(s.Pairs, Pair{
			Picture: picture, Text: c.Text, Language: c.Language, Item: r.Item,
			Relevance: r.Relevance, Attributes: r.Attributes, Place: r.Place,
		})
	}
}

// Records is how many records the set was made of.
func (s *Set) Records() int { return s.records }

// PairsOf lists the pairs of each picture, as indexes into Pairs.
func (s *Set) PairsOf() [][]int {
	pairs := make([][]int, len(s.Pictures))
	for i, p := range s.Pairs {
		pairs[p.Picture] = append(pairs[p.Picture], i)
	}
	return pairs
}
