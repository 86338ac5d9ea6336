package search

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestFilterMatches(t *testing.T) {
	metadata := map[string]any{
		"colour": "red", "year": 1900.0, "count": 3, "open": true, "nothing": nil,
		"tags": []any{"fish", 2.0, true, nil}, "names": []string{"a", "b"},
		"object": map[string]any{"colour": "red"}, "exact": json.Number("7"), "a.b": "dotted",
		"a": map[string]any{"b": "inner", "c": 1.0, "größe": 3.0, "list": []any{"x", map[string]any{"x": "deep"}}}, "photo date": "2024-01-02",
		"big": int64(1<<53 + 1), "most": int64(math.MaxInt64), "least": int64(math.MinInt64), "one": 1.0,
	}
	compare := func(field string, op Op, value any) Filter { return Compare{Field: field, Op: op, Value: value} }
	for _, test := range []struct {
		filter Filter
		want   bool
	}{
		{compare("colour", Eq, "red"), true},
		{compare("colour", Eq, "Red"), false},
		{compare("colour", Ne, "blue"), true},
		{compare("colour", Lt, "ree"), true},
		{compare("colour", Ge, "red"), true},
		{compare("colour", Gt, 1.0), false},
		{compare("colour", Lt, 1.0), false},
		{compare("year", Eq, 1900.0), true},
		{compare("year", Eq, "1900"), false},
		{compare("year", Ne, "1900"), true},
		{compare("year", Ge, 1900.0), true},
		{compare("year", Gt, 1900.0), false},
		{compare("year", Le, 1899.5), false},
		{compare("count", Eq, 3.0), true},
		{compare("exact", Eq, 7.0), true},
		{compare("open", Eq, true), true},
		{compare("open", Eq, "true"), false},
		{compare("open", Ne, false), true},
		{compare("a.b", Eq, "dotted"), true},
		{compare("`a.b`", Eq, "dotted"), true},
		{compare("a.c", Eq, 1.0), true},
		{compare("a.b", Eq, "inner"), true},
		{compare("a.b", Ne, "inner"), false},
		{compare("`a.b`", Eq, "inner"), false},
		{compare("a.größe", Gt, 2.0), true},
		{compare("a.list.1.x", Eq, "deep"), true},
		{compare("a.list.01.x", Eq, "deep"), false},
		{compare("a.list.2", Ne, "deep"), true},
		{compare("tags.0", Eq, "fish"), true},
		{compare("tags.-1", Eq, "fish"), false},
		{compare("photo date", Ge, "2024"), true},
		{compare("big", Eq, int64(1<<53+1)), true},
		{compare("big", Eq, 1.0*(1<<53)), false},
		{compare("big", Eq, int64(1<<53+2)), false},
		{compare("big", Gt, 1.0*(1<<53)), true},
		{compare("big", Lt, 1e300), true},
		{compare("big", Gt, -1e300), true},
		{compare("most", Lt, 1.0*(1<<63)), true},
		{compare("most", Eq, 1.0*(1<<63)), false},
		{compare("least", Eq, -1.0*(1<<63)), true},
		{compare("open", Eq, 1.0), false},
		{compare("one", Eq, true), false},
		{compare("one", Eq, json.Number("1.0")), true},

		{compare("missing", Eq, "x"), false},
		{compare("missing", Ne, "x"), true},
		{compare("missing", Lt, "x"), false},
		{compare("missing", Ge, 0.0), false},
		{compare("missing", In, []any{"x"}), false},
		{compare("missing", Contains, "x"), false},
		{compare("nothing", Eq, "x"), false},
		{compare("nothing", Ne, "x"), true},
		{compare("object", Eq, "red"), false},

		{compare("colour", In, []any{"blue", "red"}), true},
		{compare("colour", In, []any{}), false},
		{compare("year", In, []any{"x", true, 1900.0}), true},
		{compare("tags", Contains, "fish"), true},
		{compare("tags", Contains, 2.0), true},
		{compare("tags", Contains, true), true},
		{compare("tags", Contains, "fis"), false},
		{compare("tags", Eq, "fish"), false},
		{compare("names", Contains, "b"), true},
		{compare("colour", Contains, "red"), false},

		{And{}, true},
		{Or{}, false},
		{Not{And{}}, false},
		{And{compare("colour", Eq, "red"), compare("year", Lt, 2000.0)}, true},
		{And{compare("colour", Eq, "red"), compare("year", Lt, 1000.0)}, false},
		{Or{compare("colour", Eq, "blue"), compare("year", Lt, 2000.0)}, true},
		{Not{compare("missing", Eq, "x")}, true},
	} {
		if got := test.filter.Matches(metadata); got != test.want {
			t.Errorf("%#v: %v", test.filter, got)
		}
		if compare, ok := test.filter.(Compare); ok {
			if _, isNumber := compare.Value.(json.Number); isNumber {
				continue // which filters cannot have, but metadata can
			}
		}
		if err := CheckFilter(test.filter); err != nil {
			t.Errorf("%#v: %v", test.filter, err)
		}
	}
}

func TestCheckFilter(t *testing.T) {
	eq := func(value any) Filter { return Compare{Field: "a", Op: Eq, Value: value} }
	deep := eq("x")
	for range MaxFilterDepth {
		deep = Not{deep}
	}
	for _, good := range []Filter{nil, deep, eq(strings.Repeat("x", MaxFilterString)), make(fill, MaxFilterValues).and(eq(1.0)),
		Compare{Field: "a", Op: In, Value: repeated(MaxFilterValues)}, Not{Or{Compare{Field: "a", Op: In, Value: repeated(MaxFilterValues - 1)}, eq("x")}}} {
		if err := CheckFilter(good); err != nil {
			t.Errorf("%.100v: %v", good, err)
		}
	}
	for says, bad := range map[string]Filter{
		"deeper":            Not{deep},
		"more than":         make(fill, MaxFilterValues+1).and(eq(1.0)),
		"more than 1000":    Compare{Field: "a", Op: In, Value: repeated(MaxFilterValues + 1)},
		"more than 1000 ":   Or{Compare{Field: "a", Op: In, Value: repeated(MaxFilterValues)}, eq("x")},
		"more than 1000  ":  make(fill, MaxFilterValues+1).and(And{}),
		"more than 1000   ": make(fill, MaxFilterValues).and(Not{And{eq("x"), eq("y")}}),
		"unknown kind":      And{nil},
		"unknown compari":   Compare{Field: "a", Op: "like", Value: "x"},
		"letters":           Compare{Field: "a\"b", Op: Eq, Value: "x"},
		"1 to 64":           Compare{Field: strings.Repeat("a", 65), Op: Eq, Value: "x"},
		"no order":          Compare{Field: "a", Op: Lt, Value: true},
		"not a JSON":        eq(math.NaN()),
		"UTF-8":             eq("\xff"),
		"zero character":    eq("a\x00"),
		"1025 bytes":        eq(strings.Repeat("x", MaxFilterString+1)),
		"in lists":          Compare{Field: "a", Op: Contains, Value: int64(math.MinInt64)},
		"not <nil>":         eq(nil),
		"not int":           eq(1),
		"list of values":    Compare{Field: "a", Op: In, Value: "x"},
		"not []interface ":  Compare{Field: "a", Op: In, Value: []any{[]any{}}},
	} {
		if err := CheckFilter(bad); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(says)) {
			t.Errorf("%.60v: %v, want %q", bad, err, says)
		}
	}
}

// fill is a length for and.
type fill []struct{}

// repeated is a list of so many values.
func repeated(n int) []any { return slices.Repeat([]any{"x"}, n) }

// and repeats a part.
func (f fill) and(part Filter) Filter {
	all := make(And, len(f))
	for i := range all {
		all[i] = part
	}
	return all
}
