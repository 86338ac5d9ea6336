package searchtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"polylens/indexer/catalog"
	"polylens/search"
)

func testEmptyAndUnknown(s *suite) {
	key := s.key("unknown")
	_, err := s.index.Search(s.ctx, key.Collection, search.Query{Vector: s.unit(4), Limit: 3})
	s.wantNotFound(err)
	s.wantNotFound(s.index.Upsert(s.ctx, key, s.rows("a", 1, 4)))
	s.wantNotFound(s.index.Delete(s.ctx, key, []string{"a"}))
	s.wantNotFound(s.index.IDs(s.ctx, key, func(string) error { return nil }))
	s.wantNotFound(s.index.Activate(s.ctx, key))
	_, err = s.index.Count(s.ctx, key)
	s.wantNotFound(err)

	s.must(s.index.Ensure(s.ctx, key, 4))
	s.must(s.index.Ensure(s.ctx, key, 4))
	if matches := s.search(key.Collection, search.Query{Vector: s.unit(4), Limit: 3}); len(matches) != 0 {
		s.Errorf("an empty collection found %v", matches)
	}
	s.wantIDs(s.ids(key), nil)
	s.must(s.index.Upsert(s.ctx, key, nil))
	s.must(s.index.Delete(s.ctx, key, nil))
	s.must(s.index.Delete(s.ctx, key, []string{"never there"}))
	s.must(s.index.Flush(s.ctx))
	s.must(s.index.Ready(s.ctx))
}

func testBadInput(s *suite) {
	key := s.ensured("bad input", 4)
	good := search.Row{ID: "good", Vector: s.unit(4)}
	with := func(change func(*search.Row)) []search.Row {
		row := good
		row.ID = "bad"
		change(&row)
		return []search.Row{good, row}
	}
	for name, test := range map[string]struct {
		rows []search.Row
		says []string
	}{
		"ID twice":       {[]search.Row{good, {ID: "x", Vector: s.unit(4)}, good}, []string{`"good"`, "twice"}},
		"empty ID":       {with(func(r *search.Row) { r.ID = "" }), []string{"64"}},
		"long ID":        {with(func(r *search.Row) { r.ID = strings.Repeat("x", 65) }), []string{"65", "64"}},
		"zero in ID":     {with(func(r *search.Row) { r.ID = "a\x00b" }), []string{"zero"}},
		"broken ID":      {with(func(r *search.Row) { r.ID = "\xff" }), []string{"UTF-8"}},
		"short vector":   {with(func(r *search.Row) { r.Vector = s.unit(3) }), []string{`"bad"`, "3", "4"}},
		"not a number":   {with(func(r *search.Row) { r.Vector = []float32{0, 0, 1, float32(math.NaN())} }), []string{`"bad"`, "NaN"}},
		"infinite":       {with(func(r *search.Row) { r.Vector = []float32{0, 0, 1, float32(math.Inf(1))} }), []string{`"bad"`, "Inf"}},
		"not a JSON one": {with(func(r *search.Row) { r.Metadata = map[string]any{"x": math.NaN()} }), []string{`"bad"`, "metadata"}},
	} {
		err := s.index.Upsert(s.ctx, key, test.rows)
		s.Logf("%s: %v", name, err)
		s.wantError(err, test.says...)
	}
	s.wantIDs(s.ids(key), nil)

	for _, query := range []search.Query{
		{Vector: s.unit(4), Limit: 0}, {Vector: s.unit(4), Limit: -1}, {Vector: s.unit(4), Limit: search.MaxLimit + 1},
		{Vector: nil, Limit: 1}, {Vector: []float32{0, 0, 0, float32(math.NaN())}, Limit: 1},
		{Vector: s.unit(4), Limit: 1, Filter: search.Compare{Field: `a"] or true`, Op: search.Eq, Value: "x"}},
		{Vector: s.unit(4), Limit: 1, Filter: search.Compare{Field: "a", Op: "like", Value: "x"}},
		{Vector: s.unit(4), Limit: 1, Filter: search.Compare{Field: "a", Op: search.Eq, Value: nil}},
	} {
		_, err := s.index.Search(s.ctx, key.Collection, query)
		s.wantError(err)
	}
	_, err := s.index.Search(s.ctx, key.Collection, search.Query{Vector: s.unit(5), Limit: 1})
	s.wantError(err, "5", "4")
	s.wantError(s.index.Ensure(s.ctx, key, 5), "4", "5")
	s.wantError(s.index.Ensure(s.ctx, search.Key{Collection: "x", Fingerprint: "ab"}, 0))
	s.wantError(s.index.Ensure(s.ctx, search.Key{Collection: "x"}, 4))
	s.wantError(s.index.Ensure(s.ctx, search.Key{Fingerprint: "ab"}, 4))
}

// testDimension: an index keeps the dimension that it was made for until it is
// dropped, whatever else was asked for meanwhile.
func testDimension(s *suite) {
	key := s.ensured("dimension", 4)
	s.upsert(key, search.Row{ID: "a", Vector: []float32{1, 0, 0, 0}})
	s.wantError(s.index.Ensure(s.ctx, key, 2), "4", "2")
	s.wantError(s.index.Upsert(s.ctx, key, s.rows("b", 1, 2)), "4", "2")
	s.upsert(key, search.Row{ID: "c", Vector: []float32{0, 1, 0, 0}})
	s.wantIDs(s.ids(key), []string{"a", "c"})

	s.must(s.index.Drop(s.ctx, key))
	s.wantNotFound(s.index.Upsert(s.ctx, key, s.rows("d", 1, 4)))
	s.must(s.index.Ensure(s.ctx, key, 2))
	s.wantError(s.index.Upsert(s.ctx, key, s.rows("d", 1, 4)), "4", "2")
	s.upsert(key, search.Row{ID: "e", Vector: []float32{0, 1}})
	s.wantIDs(idsOf(s.search(key.Collection, search.Query{Vector: []float32{0, 1}, Limit: 5})), []string{"e"})
}

func testNearestFirst(s *suite) {
	const dimension, n = 24, 600
	key := s.ensured("nearest", dimension)
	rows := s.rows("row", n, dimension)
	s.upsert(key, rows...)
	query := s.unit(dimension)
	want := slices.Clone(rows)
	slices.SortFunc(want, func(a, b search.Row) int {
		if product(a.Vector, query) > product(b.Vector, query) {
			return -1
		}
		return 1
	})
	for _, limit := range []int{1, 10, n - 1, n, search.MaxLimit} {
		matches := s.search(key.Collection, search.Query{Vector: query, Limit: limit})
		s.wantIDs(idsOf(matches), rowIDs(want[:min(limit, n)]))
		for i, match := range matches {
			if difference := math.Abs(float64(match.Score) - product(want[i].Vector, query)); difference > 1e-5 {
				s.Fatalf("score %d is off by %g", i, difference)
			}
		}
	}
}

func product(a, b []float32) float64 {
	var sum float64
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

// testTies: more identical pictures, under different IDs, than one answer holds.
func testTies(s *suite) {
	key := s.ensured("ties", 4)
	rows := make([]search.Row, 200)
	for i := range rows {
		rows[i] = search.Row{ID: fmt.Sprintf("same%03d", i), Vector: []float32{1, 0, 0, 0}}
	}
	s.random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	s.upsert(key, append(rows, search.Row{ID: "best", Vector: []float32{0.6, 0.8, 0, 0}}, search.Row{ID: "worst", Vector: []float32{-1, 0, 0, 0}})...)
	want := []string{"best"}
	for i := range rows {
		want = append(want, fmt.Sprintf("same%03d", i))
	}
	for _, limit := range []int{1, 2, 5, 50, 201} {
		matches := s.search(key.Collection, search.Query{Vector: []float32{0.6, 0.8, 0, 0}, Limit: limit})
		s.wantIDs(idsOf(matches), want[:limit])
	}
}

func testReadYourWrites(s *suite) {
	const dimension = 8
	key := s.ensured("read your writes", dimension)
	for i := range 15 {
		row := search.Row{ID: fmt.Sprint("row", i), Vector: s.unit(dimension), Metadata: map[string]any{"i": i}}
		s.upsert(key, row)
		found := s.search(key.Collection, search.Query{Vector: row.Vector, Limit: 1})
		s.wantIDs(idsOf(found), []string{row.ID})
		if i%3 != 0 {
			continue
		}
		s.must(s.index.Delete(s.ctx, key, []string{row.ID}))
		found = s.search(key.Collection, search.Query{Vector: row.Vector, Limit: 20})
		if slices.Contains(idsOf(found), row.ID) {
			s.Fatalf("%s was found after its deletion", row.ID)
		}
	}
}

func testUpsertReplaces(s *suite) {
	key := s.ensured("replace", 2)
	s.upsert(key, search.Row{ID: "a", Vector: []float32{1, 0}, Metadata: map[string]any{"colour": "red"}})
	s.upsert(key, search.Row{ID: "a", Vector: []float32{0, 1}, Metadata: map[string]any{"colour": "blue"}})
	s.wantIDs(s.ids(key), []string{"a"})
	matches := s.search(key.Collection, search.Query{Vector: []float32{0, 1}, Limit: 5})
	if len(matches) != 1 || matches[0].Score < 0.999 {
		s.Errorf("got %v, want the new vector once", matches)
	}
	for colour, want := range map[string]int{"red": 0, "blue": 1} {
		filter := search.Compare{Field: "colour", Op: search.Eq, Value: colour}
		if got := s.search(key.Collection, search.Query{Vector: []float32{0, 1}, Limit: 5, Filter: filter}); len(got) != want {
			s.Errorf("%s: %v, want %d", colour, got, want)
		}
	}
}

// testUpsertLosesNothing: an upsert of everything, twice, must leave everything
// findable, with and without a filter. (With a partition key Milvus 2.3 finds
// 27 of 2,500.)
func testUpsertLosesNothing(s *suite) {
	const dimension, n = 8, 2500
	key := s.ensured("upsert all", dimension)
	rows := s.rows("row", n, dimension)
	filter := search.Compare{Field: "number", Op: search.Ge, Value: 0.0}
	for round := range 2 {
		s.upsert(key, rows...)
		matches := s.search(key.Collection, search.Query{Vector: s.unit(dimension), Limit: search.MaxLimit, Filter: filter})
		if len(matches) != n {
			s.Fatalf("round %d: a filter that all pass found %d of %d", round, len(matches), n)
		}
		even := search.Compare{Field: "even", Op: search.Eq, Value: true}
		if matches = s.search(key.Collection, search.Query{Vector: s.unit(dimension), Limit: n, Filter: even}); len(matches) != n/2 {
			s.Fatalf("round %d: found %d, want %d", round, len(matches), n/2)
		}
		if matches = s.search(key.Collection, search.Query{Vector: s.unit(dimension), Limit: 50}); len(matches) != 50 {
			s.Fatalf("round %d: found %d, want 50", round, len(matches))
		}
	}
	s.must(s.index.Flush(s.ctx))
	s.wantIDs(s.ids(key), rowIDs(rows))
}

// testRows: rows come back as they were put in, each once, also when most of those asked for
// are not there.
func testRows(s *suite) {
	key := s.ensured("rows", 3)
	rows := s.rows("row", 20, 3)
	for i := range rows {
		rows[i].Metadata = map[string]any{"n": i, "text": "é\"", "list": []any{"a", "b"}, "half": 0.5}
	}
	s.upsert(key, rows...)
	s.upsert(key, rows[:5]...)
	s.must(s.index.Delete(s.ctx, key, []string{rows[7].ID}))
	ids := append(rowIDs(rows), "not there", rows[3].ID)
	found, err := s.index.Rows(s.ctx, key, ids)
	s.must(err)
	slices.SortFunc(found, func(a, b search.Row) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(rows, func(a, b search.Row) int { return strings.Compare(a.ID, b.ID) })
	rows = slices.DeleteFunc(rows, func(row search.Row) bool { return row.ID == ids[7] })
	if len(found) != len(rows) {
		s.Fatalf("%d rows, want %d", len(found), len(rows))
	}
	for i, row := range found {
		got, _ := json.Marshal(row.Metadata)
		want, _ := json.Marshal(rows[i].Metadata)
		if row.ID != rows[i].ID || !slices.Equal(row.Vector, rows[i].Vector) || string(got) != string(want) {
			s.Errorf("row %+v, want %+v", row, rows[i])
		}
	}
	none, err := s.index.Rows(s.ctx, key, nil)
	s.must(err)
	if len(none) != 0 {
		s.Errorf("no ID gives %d rows", len(none))
	}
	if _, err := s.index.Rows(s.ctx, key, make([]string, search.MaxRows+1)); err == nil {
		s.Error("too many IDs are taken")
	}
	_, err = s.index.Rows(s.ctx, s.key("none"), ids[:1])
	s.wantNotFound(err)
}

func testIDs(s *suite) {
	const dimension, n = 2, 25003 // three pages of 10,000
	key := s.ensured("ids", dimension)
	rows := s.rows("row", n, dimension)
	s.random.Shuffle(n, func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	s.upsert(key, rows[:n/2]...)
	s.must(s.index.Flush(s.ctx))
	s.upsert(key, rows[n/3:]...)
	gone := rowIDs(rows[:100])
	s.must(s.index.Delete(s.ctx, key, gone))
	want := rowIDs(rows[100:])
	slices.Sort(want)
	s.wantIDs(s.ids(key), want)

	stop := errors.New("enough")
	calls := 0
	err := s.index.IDs(s.ctx, key, func(string) error {
		calls++
		return stop
	})
	if !errors.Is(err, stop) || calls != 1 {
		s.Errorf("yield's error: got %v after %d calls", err, calls)
	}
}

func testStrangeNames(s *suite) {
	var keys []search.Key
	for _, name := range []catalog.CollectionID{"a_b", "a b", "写真", `"; drop`} {
		keys = append(keys, s.ensured(name, 2))
	}
	ids := []string{`quote"quote`, `back\slash`, "tab\tline\nend", "日本語", "😀", "'", "x or 1==1", " ", strings.Repeat("é", 32), "\u200f\u2028"}
	for i, key := range keys {
		rows := make([]search.Row, 0, len(ids))
		for _, id := range ids[i:] {
			rows = append(rows, search.Row{ID: id, Vector: []float32{1, 0}, Metadata: map[string]any{"id": id}})
		}
		s.upsert(key, rows...)
	}
	for i, key := range keys {
		want := slices.Sorted(slices.Values(ids[i:]))
		s.wantIDs(s.ids(key), want)
		for _, id := range want {
			filter := search.Compare{Field: "id", Op: search.Eq, Value: id}
			matches := s.search(key.Collection, search.Query{Vector: []float32{1, 0}, Limit: 20, Filter: filter})
			s.wantIDs(idsOf(matches), []string{id})
		}
		s.must(s.index.Delete(s.ctx, key, want[1:]))
		s.wantIDs(s.ids(key), want[:1])
	}
}

func testManyCallers(s *suite) {
	const dimension, callers, each = 8, 6, 40
	key := s.ensured("many callers", dimension)
	parts := make([][]search.Row, callers)
	for i := range parts {
		parts[i] = s.rows(fmt.Sprintf("caller%d-", i), each, dimension)
	}
	var wait sync.WaitGroup
	for _, rows := range parts {
		wait.Go(func() {
			for part := range slices.Chunk(rows, 10) {
				if err := s.index.Upsert(s.ctx, key, part); err != nil {
					s.Error(err)
				}
				matches, err := s.index.Search(s.ctx, key.Collection, search.Query{Vector: part[9].Vector, Limit: 1})
				if err != nil || len(matches) != 1 || matches[0].ID != part[9].ID {
					s.Errorf("got %v, %v, want %s", matches, err, part[9].ID)
				}
			}
		})
	}
	wait.Wait()
	if got := s.ids(key); len(got) != callers*each {
		s.Errorf("%d rows, want %d", len(got), callers*each)
	}
}

func testContexts(s *suite) {
	key := s.ensured("contexts", 2)
	canceled, cancel := context.WithCancel(s.ctx)
	cancel()
	_, err := s.index.Search(canceled, key.Collection, search.Query{Vector: []float32{1, 0}, Limit: 1})
	for call, err := range map[string]error{
		"search": err,
		"upsert": s.index.Upsert(canceled, key, []search.Row{{ID: "a", Vector: []float32{1, 0}}}),
		"ids":    s.index.IDs(canceled, key, func(string) error { return nil }),
		"ready":  s.index.Ready(canceled),
	} {
		if call != "ids" && !errors.Is(err, context.Canceled) {
			s.Errorf("%s with a canceled context: %v", call, err)
		}
	}
	// Without any deadline, calls still work and end.
	if err := s.index.Upsert(context.Background(), key, []search.Row{{ID: "b", Vector: []float32{1, 0}}}); err != nil {
		s.Error(err)
	}
}
