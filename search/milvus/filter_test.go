package milvus

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"polylens/search"
	"polylens/search/searchtest"
)

func TestCompile(t *testing.T) {
	compare := func(op search.Op, value any) search.Filter {
		return search.Compare{Field: "a", Op: op, Value: value}
	}
	for _, test := range []struct {
		filter search.Filter
		want   string
	}{
		{nil, ``},
		{compare(search.Eq, "x"), `(metadata["a"] == "x")`},
		{compare(search.Ne, true), `(not (metadata["a"] == true))`},
		{compare(search.Lt, 1.0), `(metadata["a"] < 1)`},
		{compare(search.Ge, -0.5), `(metadata["a"] >= -0.5)`},
		{compare(search.Eq, int64(9007199254740993)), `(metadata["a"] == 9007199254740993)`},
		{compare(search.Gt, 1e21), `(metadata["a"] > 1000000000000000000000.0)`},
		{compare(search.Lt, float64(1<<63)), `(metadata["a"] < 9223372036854776000.0)`},
		{compare(search.Le, int64(math.MinInt64)), `(metadata["a"] < -9223372036854775807)`},
		{compare(search.In, []any{"x", 2.0}), `((metadata["a"] == "x") or (metadata["a"] == 2))`},
		{compare(search.In, []any{true, "x", 2.0, "y", 0.5, int64(3), 1e21, int64(math.MinInt64), true}),
			`(((metadata["a"] in ["x", "y"]) or (metadata["a"] in [2, 3])) or ` +
				`((metadata["a"] in [0.5, 1000000000000000000000.0]) or ` +
				`((metadata["a"] == true) or (metadata["a"] < -9223372036854775807 and metadata["a"] >= -9223372036854775808.0))))`},
		{compare(search.In, []any{}), `(id == "")`},
		{compare(search.Contains, "é\"\\\n"), `json_contains(metadata["a"], "\u00e9\"\\\u000a")`},
		{compare(search.Eq, "😀"), `(metadata["a"] == "\U0001f600")`},
		{search.And{}, `(id != "")`},
		{search.Or{compare(search.Eq, "x"), search.Not{Filter: search.And{compare(search.Eq, "y")}}},
			`((metadata["a"] == "x") or (not ((metadata["a"] == "y"))))`},
		{search.Compare{Field: "a.b", Op: search.Eq, Value: "x"}, `((metadata["a.b"] == "x") or (metadata["a"]["b"] == "x"))`},
		{search.Compare{Field: "a.b", Op: search.Ne, Value: "x"}, `(not ((metadata["a.b"] == "x") or (metadata["a"]["b"] == "x")))`},
		{search.Compare{Field: "`a.b`.photo date", Op: search.Lt, Value: "x"}, `(metadata["a.b"]["photo date"] < "x")`},
		{search.Compare{Field: "写真", Op: search.Contains, Value: true}, `json_contains(metadata["写真"], true)`},
		{search.Compare{Field: "R&D", Op: search.Eq, Value: true}, `(metadata["R\u0026D"] == true)`},
	} {
		got, err := compile(test.filter)
		if err != nil || got != test.want {
			t.Errorf("%#v: %s, %v, want %s", test.filter, got, err, test.want)
		}
	}
	for _, bad := range []search.Filter{
		search.Compare{Field: `a"] == 1 or metadata["b`, Op: search.Eq, Value: "x"},
		search.Compare{Field: "", Op: search.Eq, Value: "x"},
		search.Compare{Field: `a\`, Op: search.Eq, Value: "x"},
		search.Compare{Field: "a][b", Op: search.Eq, Value: "x"},
		search.Compare{Field: "a\nb", Op: search.Eq, Value: "x"},
		search.Compare{Field: "a", Op: search.Contains, Value: int64(math.MinInt64)},
		search.Compare{Field: "a", Op: "==", Value: "x"},
		search.Compare{Field: "a", Op: search.Eq, Value: nil},
		search.Compare{Field: "a", Op: search.Eq, Value: "\xff"},
		search.Compare{Field: "a", Op: search.Eq, Value: "zero\x00"},
		search.Compare{Field: "a", Op: search.Eq, Value: []string{"x"}},
		search.Not{},
		other{},
	} {
		if got, err := compile(bad); err == nil {
			t.Errorf("%#v compiles to %s", bad, got)
		}
	}
}

// TestHeights: no filter is nested deeper than Milvus' own halves can tell each other.
func TestHeights(t *testing.T) {
	const (
		most  = 100 // messages inside of messages: protobuf's own bound
		least = 12  // of a comparison, with all around it
	)
	for name, filter := range searchtest.LargestFilters() {
		whole, err := expression(filter)
		if err != nil || 2*whole.height+least > most {
			t.Errorf("%s: %d operators above each other, %v", name, whole.height, err)
		}
	}
	parts := make([]clause, 1000)
	for i := range parts {
		parts[i].height = i % 3
	}
	if got := joinLow(parts, " or ").height; got != 12 { // the sum of 2^height is 2,332
		t.Errorf("parts are joined %d high", got)
	}
}

// other is a filter that nobody knows.
type other struct{}

func (other) Matches(map[string]any) bool { return true }

// FuzzQuote: whatever the text, the literal is ASCII on one line, ends only at
// its end and means the text.
func FuzzQuote(f *testing.F) {
	for _, text := range []string{"", `"`, `\`, `\"`, "a\nb", "日本😀", `x" or id != "`, "\u2028", `\u0022`, "\xff", "\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		literal, err := quote(text)
		if err != nil {
			return
		}
		if meant, err := strconv.Unquote(literal); err != nil || meant != text {
			t.Errorf("%q: literal %s means %q, %v", text, literal, meant, err)
		}
		body := strings.NewReplacer(`\\`, "", `\"`, "").Replace(literal[1 : len(literal)-1])
		for _, r := range body {
			if r == '"' || r < ' ' || r > '~' {
				t.Errorf("%q: literal %s holds %q", text, literal, r)
			}
		}
	})
}

// FuzzCompile: nothing of a user's text is left outside the literals.
func FuzzCompile(f *testing.F) {
	f.Add(uint64(1), "a", "x")
	f.Add(uint64(2), `a"]`, `" or id != "`)
	f.Add(uint64(3), "tags", "\\")
	f.Fuzz(func(t *testing.T, seed uint64, field, value string) {
		random := rand.New(rand.NewPCG(seed, 1))
		filter := search.And{
			searchtest.RandomFilter(random, 3),
			search.Compare{Field: field, Op: search.Eq, Value: value},
			search.Compare{Field: field, Op: search.Contains, Value: value},
			search.Not{Filter: search.Compare{Field: field, Op: search.In, Value: []any{value, 1.5, true}}},
		}
		expression, err := compile(filter)
		if (err == nil) != (search.CheckFilter(filter) == nil) {
			t.Fatalf("compile says %v, CheckFilter %v", err, search.CheckFilter(filter))
		}
		if err == nil {
			wantPlain(t, expression)
		}
	})
}

// wantPlain checks that outside of literals an expression holds only our words.
func wantPlain(t *testing.T, expression string) {
	t.Helper()
	var outside strings.Builder
	for rest := expression; rest != ""; {
		if rest[0] == '"' {
			literal, err := strconv.QuotedPrefix(rest)
			if err != nil {
				t.Fatalf("%s: %v", expression, err)
			}
			rest = rest[len(literal):]
			continue
		}
		outside.WriteByte(rest[0])
		rest = rest[1:]
	}
	words := strings.FieldsFunc(outside.String(), func(r rune) bool { return strings.ContainsRune(" ()[],=!<>", r) })
	for _, word := range words {
		switch word {
		case "metadata", "json_contains", "and", "or", "not", "in", "id", "true", "false":
		default:
			if _, err := strconv.ParseFloat(word, 64); err != nil {
				t.Fatalf("%s: the word %q", expression, word)
			}
		}
	}
	if strings.Count(outside.String(), "(") != strings.Count(outside.String(), ")") {
		t.Errorf("%s: unbalanced", expression)
	}
}
