package search

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"polylens/indexer/catalog"
)

const (
	// fieldPatience bounds the look for the fields of a filter that were not met before. In
	// a collection so large that it takes longer, every field is taken to be known.
	fieldPatience = 2 * time.Second
	candidates    = 200  // images that hold a key somewhere are looked at for a field
	sampled       = 500  // images whose fields are suggested
	rememberedMax = 4096 // fields, of all collections
	suggestions   = 5
	suggestDepth  = 4 // keys of a suggested field
)

// knownFields remembers fields that images had. One may be gone since: then a filter
// finds nothing, as it should. The zero value is ready.
type knownFields struct {
	mu    sync.Mutex
	known map[knownField]struct{}
}

type knownField struct {
	collection catalog.CollectionID
	field      string
}

func (k *knownFields) has(field knownField) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ok := k.known[field]
	return ok
}

func (k *knownFields) add(field knownField) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known == nil || len(k.known) >= rememberedMax {
		k.known = make(map[knownField]struct{})
	}
	k.known[field] = struct{}{}
}

// checkFields returns an *InvalidError for a filter with a field that no image of the
// collection has, which is a slip of the pen far more often than a question. Where that
// cannot be said for sure and in time, there is no error.
func (s *Service) checkFields(ctx context.Context, collection catalog.Collection, filter Filter) error {
	ctx, cancel := context.WithTimeout(ctx, fieldPatience)
	defer cancel()
	for _, field := range fieldsOf(filter) {
		key := knownField{collection.ID, field}
		if s.fields.has(key) {
			continue
		}
		if !s.isUnknown(ctx, collection.ID, field) {
			s.fields.add(key)
			continue
		}
		some, _, err := s.catalog.MetadataWith(ctx, collection.ID, nil, sampled)
		if err == nil && len(some) > 0 {
			return unknownField(collection.Name, field, some)
		}
	}
	return nil
}

// isUnknown reports whether certainly no image has a field.
func (s *Service) isUnknown(ctx context.Context, collection catalog.CollectionID, field string) bool {
	places, err := Fields(field)
	if err != nil {
		return false // CheckFilter says more
	}
	for _, keys := range places {
		some, all, err := s.catalog.MetadataWith(ctx, collection, names(keys), candidates)
		has := func(metadata map[string]any) bool { _, found := valueAt(metadata, keys); return found }
		if err != nil || !all || slices.ContainsFunc(some, has) {
			return false
		}
	}
	return true
}

// names are the keys that cannot be places in a list, and the first.
func names(keys []string) []string {
	all := keys[:1:1]
	for _, key := range keys[1:] {
		if at, err := strconv.Atoi(key); err != nil || strconv.Itoa(at) != key {
			all = append(all, key)
		}
	}
	return all
}

func unknownField(collection, field string, some []map[string]any) error {
	fields := make(map[string]struct{})
	for _, metadata := range some {
		addFields(fields, nil, metadata)
	}
	about := fmt.Sprintf("no image of collection %q has the field %.80q in its metadata", collection, field)
	if near := nearest(field, slices.Sorted(maps.Keys(fields))); len(near) > 0 {
		return invalid("filter", "%s; similar: %s", about, strings.Join(near, ", "))
	} else if len(fields) > 0 {
		most := slices.Sorted(maps.Keys(fields))
		return invalid("filter", "%s; there are: %s", about, strings.Join(most[:min(len(most), 2*suggestions)], ", "))
	}
	return invalid("filter", "%s, and few have any metadata", about)
}

// addFields adds the fields of an object, as filters write them.
func addFields(fields map[string]struct{}, above []string, object map[string]any) {
	for key, value := range object {
		keys := append(slices.Clip(above), key)
		inner, isObject := value.(map[string]any)
		if isObject && len(keys) < suggestDepth {
			addFields(fields, keys, inner)
		} else if checkKeys(keys) == nil {
			fields[quoteField(keys)] = struct{}{}
		}
	}
}

// nearest returns the fields that are written much like one, the nearest first.
func nearest(field string, fields []string) []string {
	most := max(1, len([]rune(field))/3)
	distances := make(map[string]int)
	near := slices.DeleteFunc(fields, func(other string) bool {
		a, b := plainField(field), plainField(other)
		distances[other] = distance(a, b)
		if strings.HasSuffix(b, "."+a) || strings.HasSuffix(a, "."+b) {
			distances[other] = 1
		}
		return distances[other] > most
	})
	slices.SortStableFunc(near, func(a, b string) int { return cmp.Compare(distances[a], distances[b]) })
	return near[:min(len(near), suggestions)]
}

func plainField(field string) string { return strings.ToLower(strings.ReplaceAll(field, "`", "")) }

// distance is how many characters must be put in, left out or changed (Levenshtein).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			change := diagonal
			if x[i] != y[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(y)]
}
