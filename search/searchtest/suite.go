package searchtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/search"
)

// patience bounds every single test of the suite.
const patience = time.Minute

// Run runs the suite against the index that open gives.
func Run(t *testing.T, open func(t *testing.T) search.Index) {
	tests := map[string]func(*suite){
		"empty and unknown collections": testEmptyAndUnknown,
		"bad input":                     testBadInput,
		"dimension":                     testDimension,
		"nearest first":                 testNearestFirst,
		"ties are ordered by ID":        testTies,
		"writes are seen at once":       testReadYourWrites,
		"upsert replaces":               testUpsertReplaces,
		"upsert loses nothing":          testUpsertLosesNothing,
		"rows are read":                 testRows,
		"every ID once":                 testIDs,
		"strange names and IDs":         testStrangeNames,
		"activate":                      testActivate,
		"drop":                          testDrop,
		"filters":                       testFilters,
		"largest filters":               testLargestFilters,
		"random operations":             testRandom,
		"many callers":                  testManyCallers,
		"contexts":                      testContexts,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			t.Cleanup(cancel)
			test(&suite{T: t, ctx: ctx, index: open(t), random: mathrand.New(mathrand.NewPCG(1, 2))})
		})
	}
}

// suite is one test's tools.
type suite struct {
	*testing.T
	ctx    context.Context
	index  search.Index
	random *mathrand.Rand
}

// key returns a key that nobody else uses, and drops its index at the end.
func (s *suite) key(collection catalog.CollectionID) search.Key {
	key := search.Key{
		Collection:  collection + catalog.CollectionID(" "+rand.Text()[:8]),
		Fingerprint: strings.Repeat("0123456789abcdef", 4),
	}
	s.dropLater(key)
	return key
}

func (s *suite) dropLater(key search.Key) {
	s.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.index.Drop(ctx, key); err != nil {
			s.Errorf("drop at the end: %v", err)
		}
	})
}

// ensured is key with its index, for vectors of dimension numbers.
func (s *suite) ensured(collection catalog.CollectionID, dimension int) search.Key {
	s.Helper()
	key := s.key(collection)
	s.must(s.index.Ensure(s.ctx, key, dimension))
	return key
}

func (s *suite) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *suite) wantError(err error, parts ...string) {
	s.Helper()
	if err == nil {
		s.Errorf("no error, want one with %q", parts)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			s.Errorf("error %q does not say %q", err, part)
		}
	}
}

func (s *suite) upsert(key search.Key, rows ...search.Row) {
	s.Helper()
	s.must(s.index.Upsert(s.ctx, key, rows))
}

func (s *suite) search(collection catalog.CollectionID, query search.Query) []search.Match {
	s.Helper()
	matches, err := s.index.Search(s.ctx, collection, query)
	s.must(err)
	return matches
}

func (s *suite) ids(key search.Key) []string {
	s.Helper()
	var ids []string
	s.must(s.index.IDs(s.ctx, key, func(id string) error {
		ids = append(ids, id)
		return nil
	}))
	slices.Sort(ids)
	count, err := s.index.Count(s.ctx, key)
	if s.must(err); count != len(ids) {
		s.Errorf("%d rows are counted, %d listed", count, len(ids))
	}
	return ids
}

func (s *suite) wantIDs(got, want []string) {
	s.Helper()
	if !slices.Equal(got, want) {
		s.Fatalf("got %d IDs %.200q, want %d %.200q", len(got), got, len(want), want)
	}
}

// unit returns a random direction.
func (s *suite) unit(dimension int) []float32 {
	vector := make([]float32, dimension)
	var norm float64
	for i := range vector {
		x := s.random.NormFloat64()
		vector[i] = float32(x)
		norm += x * x
	}
	for i := range vector {
		vector[i] /= float32(math.Sqrt(norm))
	}
	return vector
}

// rows returns n rows with IDs prefix00000 and up.
func (s *suite) rows(prefix string, n, dimension int) []search.Row {
	rows := make([]search.Row, n)
	for i := range rows {
		rows[i] = search.Row{
			ID: fmt.Sprintf("%s%05d", prefix, i), Vector: s.unit(dimension),
			Metadata: map[string]any{"number": float64(i), "even": i%2 == 0},
		}
	}
	return rows
}

func idsOf(matches []search.Match) []string {
	ids := make([]string, len(matches))
	for i, match := range matches {
		ids[i] = match.ID
	}
	return ids
}

func rowIDs(rows []search.Row) []string {
	ids := make([]string, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	return ids
}

func (s *suite) wantNotFound(err error) {
	s.Helper()
	if !errors.Is(err, catalog.ErrCollectionNotFound) {
		s.Errorf("got error %v, want catalog.ErrCollectionNotFound", err)
	}
}
