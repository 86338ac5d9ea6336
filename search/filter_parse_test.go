package search

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestParseFilter(t *testing.T) {
	tests := map[string]struct {
		text string
		want Filter
	}{
		"equal":     {`{"field":"group","eq":"animals"}`, Compare{"group", Eq, "animals"}},
		"number":    {`{"field":"a.b-c_d","ge":1.5}`, Compare{"a.b-c_d", Ge, 1.5}},
		"boolean":   {` {"ne":true,"field":"x"} `, Compare{"x", Ne, true}},
		"in":        {`{"field":"x","in":["a",1,false]}`, Compare{"x", In, []any{"a", 1.0, false}}},
		"exact":     {`{"field":"id","in":[9007199254740993,1e16,16.0,-9223372036854775808,-0]}`, Compare{"id", In, []any{int64(9007199254740993), int64(10000000000000000), 16.0, int64(math.MinInt64), 0.0}}},
		"composed":  {"{\"field\":\"gro\u0308\u00dfe\",\"eq\":\"Mu\u0308ller\"}", Compare{"größe", Eq, "Müller"}},
		"escaped":   {`{"field":"gro\u0308\u00dfe","in":["Mu\u0308ller"]}`, Compare{"größe", In, []any{"Müller"}}},
		"spaces":    {`{"field":"photo date","eq":"x"}`, Compare{"photo date", Eq, "x"}},
		"a path":    {"{\"field\":\"`a.b`.c\",\"eq\":\"x\"}", Compare{"`a.b`.c", Eq, "x"}},
		"contains":  {`{"field":"tags","contains":"рыба"}`, Compare{"tags", Contains, "рыба"}},
		"a span":    {`{"field":"year","lt":2000,"ge":1900}`, And{Compare{"year", Ge, 1900.0}, Compare{"year", Lt, 2000.0}}},
		"and":       {`{"and":[{"field":"a","eq":1}]}`, And{Compare{"a", Eq, 1.0}}},
		"or, not":   {`{"or":[{"not":{"field":"a","eq":1}},{"field":"b","gt":"x"}]}`, Or{Not{Compare{"a", Eq, 1.0}}, Compare{"b", Gt, "x"}}},
		"the limit": {deep(MaxFilterDepth), deepFilter(MaxFilterDepth)},
	}
	for label, test := range tests {
		t.Run(label, func(t *testing.T) {
			got, err := ParseFilter([]byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %#v, want %#v", got, test.want)
			}
		})
	}
}

func deep(n int) string {
	return strings.Repeat(`{"not":`, n) + `{"field":"a","eq":1}` + strings.Repeat(`}`, n)
}

func deepFilter(n int) Filter {
	var filter Filter = Compare{"a", Eq, 1.0}
	for range n {
		filter = Not{filter}
	}
	return filter
}

func TestParseFilterRefuses(t *testing.T) {
	tests := map[string]struct{ text, says string }{
		"nothing":          {``, "JSON object"},
		"null":             {`null`, "JSON object"},
		"a list":           {`[]`, "JSON object"},
		"an empty object":  {`{}`, `"field"`},
		"text behind":      {`{"field":"a","eq":1} x`, "behind its end"},
		"cut off":          {`{"field":"a","eq":1`, "not valid JSON"},
		"no comparison":    {`{"field":"a"}`, "no comparison"},
		"unknown op":       {`{"field":"a","like":"x"}`, "no comparison"},
		"one op too many":  {`{"field":"a","eq":1,"x":2}`, "no comparison"},
		"unknown word":     {`{"xor":[]}`, `"field"`},
		"two words":        {`{"and":[],"or":[]}`, `"field"`},
		"empty and":        {`{"and":[]}`, "filter.and must be a list"},
		"and of text":      {`{"and":"x"}`, "filter.and must be a list"},
		"where it is":      {`{"and":[{"field":"a","eq":1},{"not":{"or":[7]}}]}`, "filter.and[1].not.or[0]"},
		"field no string":  {`{"field":7,"eq":1}`, "field"},
		"field empty":      {`{"field":"","eq":1}`, "field"},
		"field injected":   {`{"field":"a\"] == 1 or m[\"b","eq":1}`, "field"},
		"field too long":   {`{"field":"` + strings.Repeat("a", 65) + `","eq":1}`, "field"},
		"value null":       {`{"field":"a","eq":null}`, "string, number or bool"},
		"value object":     {`{"field":"a","eq":{}}`, "string, number or bool"},
		"value list":       {`{"field":"a","eq":[1]}`, "string, number or bool"},
		"value huge":       {`{"field":"a","eq":1e999}`, "filter.eq is not valid: number 1e999 is too large"},
		"ordered boolean":  {`{"field":"a","lt":true}`, "no order"},
		"in of nothing":    {`{"field":"a","in":[]}`, "list of at least one"},
		"in of a value":    {`{"field":"a","in":1}`, "list of at least one"},
		"in of lists":      {`{"field":"a","in":[[1]]}`, "string, number or bool"},
		"twice":            {`{"field":"a","eq":1,"eq":2}`, "twice"},
		"too deep":         {deep(MaxFilterDepth + 1), "deeper"},
		"far too deep":     {deep(2000), "deeper"},
		"too many":         {`{"field":"a","in":[` + strings.Repeat("1,", MaxFilterValues) + `1]}`, "more than"},
		"too large":        {`{"field":"a","eq":"` + strings.Repeat("x", maxFilterBytes) + `"}`, "bytes long"},
		"beyond 64 bits":   {`{"field":"a","eq":92233720368547758081}`, "64 bits"},
		"in, beyond them":  {`{"field":"a","in":[1,18446744073709551615]}`, "64 bits"},
		"zero character":   {`{"field":"a","eq":"x\u0000"}`, "zero character"},
		"zero in a field":  {`{"field":"a\u0000","eq":"x"}`, "zero character"},
		"half a character": {`{"field":"a","eq":"\ud83d"}`, "half of a character"},
		"open backtick":    {"{\"field\":\"a.`b\",\"eq\":1}", "partner"},
		"field too deep":   {`{"field":"` + strings.Repeat("`a`.", 16) + `a","eq":1}`, "17 keys"},
		"not UTF-8":        {"{\"field\":\"a\",\"eq\":\"\xff\"}", "UTF-8"},
	}
	for label, test := range tests {
		t.Run(label, func(t *testing.T) {
			filter, err := ParseFilter([]byte(test.text))
			var invalid *InvalidError
			if !errors.As(err, &invalid) || invalid.Field != "filter" || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %#v and %v, want an error that says %q", filter, err, test.says)
			}
		})
	}
}

// FuzzParseFilter: whatever is accepted passes the check of every index, says
// the same when written and read again, and never panics.
func FuzzParseFilter(f *testing.F) {
	for _, seed := range []string{
		`{"field":"group","eq":"animals"}`, `{"field":"x","in":["a",1,false]}`, `{"field":"year","lt":2000,"ge":1900}`,
		`{"and":[{"or":[{"not":{"field":"tags","contains":"x"}}]}]}`, `{"and":[]}`, `{"field":"a","eq":1e999}`, deep(20), `{`, `null`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		filter, err := ParseFilter(text)
		if err != nil {
			return
		}
		if err := CheckFilter(filter); err != nil {
			t.Fatalf("accepted, but %v", err)
		}
		filter.Matches(map[string]any{"group": "animals", "tags": []any{"x"}, "year": 1950.0})
		written, err := json.Marshal(filterForm(filter))
		if err != nil {
			t.Fatal(err)
		}
		if len(written) > maxFilterBytes {
			return // escapes made it longer
		}
		again, err := ParseFilter(written)
		if err != nil {
			t.Fatalf("%s is not read again: %v", written, err)
		}
		if !reflect.DeepEqual(again, filter) {
			t.Fatalf("%s became %#v, was %#v", written, again, filter)
		}
	})
}

// FuzzCursor: no cursor makes a window that the index could not answer.
func FuzzCursor(f *testing.F) {
	f.Add("")
	f.Add("AQ")
	f.Add(encodeCursor(40, 1))
	f.Add(encodeCursor(MaxLimit+1, 1))
	f.Fuzz(func(t *testing.T, cursor string) {
		offset, query, ok := decodeCursor(cursor)
		if !ok {
			return
		}
		if offset < 0 || offset > MaxLimit {
			t.Fatalf("%q begins at %d", cursor, offset)
		}
		if again, same, ok := decodeCursor(encodeCursor(offset, query)); !ok || again != offset || same != query {
			t.Fatalf("%q does not survive", cursor)
		}
	})
}
