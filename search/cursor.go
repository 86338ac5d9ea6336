package search

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash"
	"hash/fnv"
	"image"
)

const cursorVersion = 1

// window is the part of the ranking that one page shows.
type window struct {
	offset, limit int // in matches, or in groups
	exclude       string
	query         uint64 // identity of collection, query and filter
}

// newWindow checks limit and cursor. A cursor is refused unless it came from
// the same query: its rank would mean nothing in another ranking. It is a
// guard against mistakes, not a secret.
func newWindow(collection string, options Options, identify func(hasher)) (window, error) {
	w := window{limit: options.Limit, exclude: options.exclude}
	if w.limit == 0 {
		w.limit = DefaultLimit
	}
	if w.limit < 1 || w.limit > MaxPage {
		return window{}, invalid("limit", "%d is not within 1 to %d", options.Limit, MaxPage)
	}
	if err := options.Group.validate(); err != nil {
		return window{}, err
	}
	h := hasher{fnv.New64a()}
	h.add("collection", collection)
	h.addFilter(options.filter())
	if options.Group != GroupNone {
		h.add("group", string(options.Group))
	}
	identify(h)
	w.query = h.Sum64()
	if options.Cursor == "" {
		return w, nil
	}
	offset, query, ok := decodeCursor(options.Cursor)
	if !ok {
		return window{}, invalid("cursor", "it is not one that a search returned")
	}
	if query != w.query {
		return window{}, invalid("cursor", "it belongs to another query; leave it out to start from the first page")
	}
	w.offset = offset
	return w, nil
}

// spare is what the index must find beyond the page: one match that says
// whether a next page exists, and the excluded image.
func (w window) spare() int {
	if w.exclude != "" {
		return 2
	}
	return 1
}

// depth is how many matches to ask the index for.
func (w window) depth() int { return min(w.offset+w.limit+w.spare(), MaxLimit) }

// cut takes the page out of the ranking from its top, and the next cursor.
func (w window) cut(matches []Match) (page []Match, next string) {
	kept := make([]Match, 0, len(matches))
	for _, match := range matches {
		if match.ID != w.exclude || w.exclude == "" {
			kept = append(kept, match)
		}
	}
	start, end := min(w.offset, len(kept)), min(w.offset+w.limit, len(kept))
	if end < len(kept) && end < MaxLimit-w.spare() {
		next = encodeCursor(end, w.query)
	}
	return kept[start:end], next
}

func encodeCursor(offset int, query uint64) string {
	raw := []byte{cursorVersion}
	raw = binary.BigEndian.AppendUint64(raw, query)
	raw = binary.AppendUvarint(raw, uint64(offset))
	return base64.RawURLEncoding.EncodeToString(raw)
}

func decodeCursor(cursor string) (offset int, query uint64, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(raw) < 10 || raw[0] != cursorVersion {
		return 0, 0, false
	}
	value, n := binary.Uvarint(raw[9:])
	if n <= 0 || n != len(raw)-9 || value > MaxLimit {
		return 0, 0, false
	}
	return int(value), binary.BigEndian.Uint64(raw[1:9]), true
}

// hasher accumulates the identity of a query, part by part.
type hasher struct{ hash.Hash64 }

func (h hasher) add(kind, value string) {
	h.Write([]byte(kind)) // a hash.Hash never fails to write
	h.Write([]byte{0})
	h.Write(binary.AppendUvarint(nil, uint64(len(value))))
	h.Write([]byte(value))
}

func (h hasher) addFilter(filter Filter) {
	if filter == nil {
		return
	}
	text, err := json.Marshal(filterForm(filter))
	if err != nil {
		text = []byte(err.Error()) // only a filter that no index accepts
	}
	h.add("filter", string(text))
}

// addPicture samples a picture on a grid: enough to tell pictures apart
// without reading every pixel.
func (h hasher) addPicture(picture image.Image) {
	const grid = 64
	bounds := picture.Bounds()
	sample := make([]byte, 0, 8*grid*grid)
	for row := range grid {
		for column := range grid {
			x := bounds.Min.X + column*bounds.Dx()/grid
			y := bounds.Min.Y + row*bounds.Dy()/grid
			r, g, b, a := picture.At(x, y).RGBA()
			for _, channel := range []uint32{r, g, b, a} {
				sample = binary.BigEndian.AppendUint16(sample, uint16(channel))
			}
		}
	}
	h.add("picture", bounds.String()+string(sample))
}
