package searchtest

import (
	"fmt"
	"math"
	mathrand "math/rand/v2"

	"polylens/search"
	"polylens/search/exact"
)

// Values that metadata and filters of the suite are made of.
var (
	fields = []string{"a", "b", "tags", "a.b", "x-y_z", "0", "missing", "id", "metadata",
		"größe", "写真", "photo date", "Ä ö.ü", "עברית", "R&D <x>", "a/b~c", "it's", "😀", "(a) or b", "$meta"}
	// places are what filters ask for besides: into objects and lists.
	places  = []string{"`a.b`", "a.a", "größe.写真", "`a.b`.a", "tags.0", "a.0", "tags.a", "a.größe.b", "写真.a/b~c", "photo date.R&D <x>", "a.a.a"}
	strange = []string{"", "red", "Red", "rot", "é", "é", "日本", "😀", `"`, `\`, `\"`, "'", "a\nb\tc", "%", "_", "1", "true",
		`x" or id != "`, `\u0041`, `\x41`, "]", "$meta", "\u0001", "\u007f", "\ufeff", "zz"}
	numbers = []any{0., 1., -1., 2., 0.5, -0.25, 1e15, 1e-7, 3.0000001, 1e21, -1e30, 123456.789, 1e16,
		int64(1<<53 + 1), 1. * (1 << 53), int64(1<<53 + 2), int64(-1<<53 - 1), int64(-1<<53 - 2), int64(1<<62 + 1), int64(1 << 62), int64(1<<62 - 1),
		int64(math.MaxInt64), int64(math.MaxInt64 - 1), int64(math.MinInt64), int64(math.MinInt64 + 1), 1.5e19, -1.5e19}
)

// testFilters compares generated filters over generated metadata with Matches.
func testFilters(s *suite) {
	const dimension, rows, filters = 4, 300, 250
	key := s.ensured("filters", dimension)
	oracle := exact.New()
	s.must(oracle.Ensure(s.ctx, key, dimension))
	var all []search.Row
	for i := range rows {
		all = append(all, search.Row{ID: fmt.Sprintf("row%03d", i), Vector: s.unit(dimension), Metadata: randomMetadata(s.random)})
	}
	s.upsert(key, all...)
	s.must(oracle.Upsert(s.ctx, key, all))
	query := search.Query{Vector: s.unit(dimension), Limit: rows}
	for _, filter := range fixedFilters() {
		query.Filter = filter
		s.compare(oracle, key.Collection, query)
	}
	for range filters {
		query.Filter = RandomFilter(s.random, 3)
		s.compare(oracle, key.Collection, query)
	}
}

// fixedFilters are the corner cases that chance might miss.
func fixedFilters() []search.Filter {
	filters := []search.Filter{nil, search.And{}, search.Or{}, search.Not{Filter: search.And{}},
		search.Compare{Field: "a", Op: search.In, Value: []any{}}}
	for _, op := range []search.Op{search.Eq, search.Ne, search.Lt, search.Le, search.Gt, search.Ge, search.Contains} {
		for _, field := range []string{"a", "missing"} {
			filters = append(filters,
				search.Compare{Field: field, Op: op, Value: "red"}, search.Compare{Field: field, Op: op, Value: 1.0},
				search.Not{Filter: search.Compare{Field: field, Op: op, Value: "red"}},
				search.Not{Filter: search.Compare{Field: field, Op: op, Value: 0.5}})
		}
	}
	for _, text := range strange {
		filters = append(filters, search.Compare{Field: "a", Op: search.Eq, Value: text},
			search.Compare{Field: "tags", Op: search.Contains, Value: text})
	}
	for _, number := range numbers {
		for _, op := range []search.Op{search.Eq, search.Ne, search.Lt, search.Le, search.Gt, search.Ge} {
			filters = append(filters, search.Compare{Field: "b", Op: op, Value: number})
		}
		if number != int64(math.MinInt64) {
			filters = append(filters, search.Compare{Field: "tags", Op: search.Contains, Value: number})
		}
	}
	texts := make([]any, len(strange))
	for i, text := range strange {
		texts[i] = text
	}
	for _, list := range [][]any{numbers, texts, numbers[:13], numbers[13:], append([]any{true, "red"}, numbers...), {0.5, 3.0000001, 1e21}, {"red", false, 0.}} {
		for _, field := range []string{"a", "b", "a.b"} {
			filters = append(filters, search.Compare{Field: field, Op: search.In, Value: list})
		}
	}
	for _, field := range append(places, fields...) {
		for _, value := range []any{"red", 1., true} {
			filters = append(filters, search.Compare{Field: field, Op: search.Eq, Value: value}, search.Compare{Field: field, Op: search.Ne, Value: value},
				search.Compare{Field: field, Op: search.Contains, Value: value})
		}
	}
	return filters
}

func randomMetadata(random *mathrand.Rand) map[string]any {
	metadata := map[string]any{}
	for _, field := range fields {
		if field == "missing" || random.IntN(4) == 0 {
			continue
		}
		metadata[field] = randomStored(random, field == "tags")
	}
	return metadata
}

// randomStored is any JSON value, most often of the kinds that filters ask for.
func randomStored(random *mathrand.Rand, list bool) any {
	kind := random.IntN(12)
	switch {
	case list && kind < 9:
		elements := make([]any, random.IntN(4))
		for i := range elements {
			elements[i] = randomStored(random, false)
		}
		return elements
	case kind == 9:
		return nil
	case kind == 10:
		return map[string]any{"a": randomValue(random), "b": randomValue(random), "写真": randomValue(random), "a/b~c": randomValue(random),
			"R&D <x>": randomValue(random), "größe": map[string]any{"b": randomValue(random)}}
	case kind == 11:
		return []any{randomValue(random)}
	}
	return randomValue(random)
}

func randomValue(random *mathrand.Rand) any {
	switch random.IntN(5) {
	case 0, 1:
		return strange[random.IntN(len(strange))]
	case 2:
		return numbers[random.IntN(len(numbers))]
	case 3:
		return float64(random.IntN(4))
	}
	return random.IntN(2) == 0
}

func randomField(random *mathrand.Rand) string {
	all := append(places, fields...)
	return all[random.IntN(len(all))]
}

// RandomFilter returns a valid filter of at most the given depth.
func RandomFilter(random *mathrand.Rand, depth int) search.Filter {
	if depth > 0 {
		switch random.IntN(6) {
		case 0:
			return search.And(randomParts(random, depth))
		case 1:
			return search.Or(randomParts(random, depth))
		case 2:
			return search.Not{Filter: RandomFilter(random, depth-1)}
		}
	}
	compare := search.Compare{Field: randomField(random)}
	ops := []search.Op{search.Eq, search.Ne, search.Lt, search.Le, search.Gt, search.Ge, search.In, search.Contains}
	compare.Op = ops[random.IntN(len(ops))]
	compare.Value = randomValue(random)
	if compare.Op == search.Contains && compare.Value == int64(math.MinInt64) {
		compare.Value = 1. // CheckFilter refuses it
	}
	switch compare.Op {
	case search.In:
		list := make([]any, random.IntN(4))
		for i := range list {
			list[i] = randomValue(random)
		}
		compare.Value = list
	case search.Lt, search.Le, search.Gt, search.Ge:
		if _, isBool := compare.Value.(bool); isBool {
			compare.Value = "m"
		}
	}
	return compare
}

func randomParts(random *mathrand.Rand, depth int) []search.Filter {
	parts := make([]search.Filter, random.IntN(4))
	for i := range parts {
		parts[i] = RandomFilter(random, depth-1)
	}
	return parts
}
