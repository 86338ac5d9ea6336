package searchtest

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"polylens/search"
	"polylens/search/exact"
)

// testLargestFilters asks for all that search.CheckFilter allows.
func testLargestFilters(s *suite) {
	const dimension, rows = 4, 60
	key := s.ensured("largest filters", dimension)
	oracle := exact.New()
	s.must(oracle.Ensure(s.ctx, key, dimension))
	all := s.rows("row", rows, dimension)
	for i := range all {
		all[i].Metadata = randomMetadata(s.random)
		all[i].Metadata["number"] = float64(i)
		all[i].Metadata["name"] = longText(i)
	}
	s.upsert(key, all...)
	s.must(oracle.Upsert(s.ctx, key, all))
	query := search.Query{Vector: s.unit(dimension), Limit: rows}
	for name, filter := range LargestFilters() {
		s.must(search.CheckFilter(filter))
		s.Run(name, func(t *testing.T) {
			one := *s
			one.T, query.Filter = t, filter
			one.compare(oracle, key.Collection, query)
		})
	}
}

// longText is as long as a value may be, and takes most room where it is escaped.
func longText(n int) string {
	number := fmt.Sprintf("%04d", n)
	return number + strings.Repeat("😀", (search.MaxFilterString-len(number))/len("😀"))
}

// LargestFilters are filters as large as search.CheckFilter allows, each in another way.
func LargestFilters() map[string]search.Filter {
	filters := map[string]search.Filter{
		"denied":    denied(search.Compare{Field: "number", Op: search.Ne, Value: 7.}, search.MaxFilterDepth),
		"deep":      deep(search.MaxFilterDepth, 1),
		"wide":      deep(search.MaxFilterDepth, search.MaxFilterValues/(search.MaxFilterDepth+1)),
		"long name": search.Compare{Field: longField(), Op: search.In, Value: values(search.MaxFilterValues, func(n int) any { return float64(n) + 0.5 })},
	}
	for _, op := range []search.Op{search.Eq, search.Ne, search.Lt, search.Le, search.Gt, search.Ge, search.Contains} {
		filters["some "+string(op)] = search.Or(comparisons("number", op))
		filters["all "+string(op)] = search.And(comparisons("a.b", op))
	}
	filters["all long texts"] = search.And(comparisons("name", search.Ne))
	for kind, value := range kinds {
		filters["in "+kind] = search.Compare{Field: kind, Op: search.In, Value: values(search.MaxFilterValues, value)}
		filters["not in "+kind] = search.Not{Filter: search.Compare{Field: kind, Op: search.In, Value: values(search.MaxFilterValues, value)}}
	}
	return filters
}

// comparisons are as many as there may be in one list.
func comparisons(kind string, op search.Op) []search.Filter {
	parts := make([]search.Filter, search.MaxFilterValues)
	for i, value := range values(len(parts), kinds[kind]) {
		if _, isBool := value.(bool); isBool && op != search.Eq && op != search.Ne && op != search.Contains {
			value = "m" // true and false have no order
		}
		parts[i] = search.Compare{Field: kind, Op: op, Value: value}
	}
	return parts
}

// kinds are values by the fields that are compared with them.
var kinds = map[string]func(n int) any{
	"name":   func(n int) any { return longText(2 * n) },
	"number": func(n int) any { return float64(3 * n) },
	"b":      func(n int) any { return numbers[n%len(numbers)] },
	"a.b":    func(n int) any { return []any{"red", 1., 0.5, true, int64(n), float64(n) / 4}[n%6] },
	"a":      func(n int) any { return n%2 == 0 },
}

func values(n int, value func(int) any) []any {
	list := make([]any, n)
	for i := range list {
		if list[i] = value(i); list[i] == int64(math.MinInt64) {
			list[i] = 0.
		}
	}
	return list
}

func denied(filter search.Filter, times int) search.Filter {
	for range times {
		filter = search.Not{Filter: filter}
	}
	return filter
}

// deep nests or in and, and so on, with some conditions at each level.
func deep(levels, conditions int) search.Filter {
	parts := make([]search.Filter, conditions)
	for i := range parts {
		parts[i] = search.Compare{Field: "a.b", Op: search.Ne, Value: float64(i)}
	}
	switch {
	case levels == 0:
		return parts[0]
	case levels%2 == 0:
		return search.And(append(parts, deep(levels-1, conditions)))
	}
	return search.Or(append(parts, deep(levels-1, conditions)))
}

// longField is a field with as many and as long keys as there may be.
func longField() string {
	keys := make([]string, 16)
	for i := range keys {
		keys[i] = strings.Repeat("写", 64)
	}
	return strings.Join(keys, ".")
}
