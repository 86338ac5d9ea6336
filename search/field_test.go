package search

import (
	"reflect"
	"strings"
	"testing"
)

func TestFields(t *testing.T) {
	long := strings.Repeat("ä", 64)
	for field, want := range map[string][][]string{
		"year":            {{"year"}},
		"写真":              {{"写真"}},
		"photo date":      {{"photo date"}},
		long:              {{long}},
		"a.b":             {{"a.b"}, {"a", "b"}},
		"a.b.c":           {{"a.b.c"}, {"a", "b", "c"}},
		"`a.b`":           {{"a.b"}},
		"`a.b`.c.d":       {{"a.b", "c", "d"}},
		"a.`b.c`":         {{"a", "b.c"}},
		"```x`":           {{"`x"}},
		"a`b":             {{"a`b"}},
		".hidden":         {{".hidden"}},
		"a..b":            {{"a..b"}},
		".":               {{"."}},
		long + "." + long: {{long, long}}, // too long for one key
	} {
		if got, err := Fields(field); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, %v, want %q", field, got, err, want)
		}
	}
	for field, says := range map[string]string{
		"": "1 to 64", "``": "1 to 64", long + "ä": "1 to 64", "`a": "no partner", "`a`b": "a dot or nothing", "`a`.": "1 to 64",
		"a\x00": "zero character", "\xff": "UTF-8", "a\nb": "not", `a"b`: "not", `a\b`: "not", "a[0]": "not", "a.b]": "not",
	} {
		if got, err := Fields(field); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %q, %v, want an error that says %q", field, got, err, says)
		}
	}
}

// FuzzFields: whatever is accepted is found again under the keys that it means,
// and quoteField writes each of its meanings as nothing else.
func FuzzFields(f *testing.F) {
	for _, field := range []string{"a", "a.b", "`a.b`.c", "```", "größe", ".", "a..b", "tags.0"} {
		f.Add(field)
	}
	f.Fuzz(func(t *testing.T, field string) {
		places, err := Fields(field)
		if err != nil {
			return
		}
		for _, keys := range places {
			again, err := Fields(quoteField(keys))
			if err != nil || !reflect.DeepEqual(again[len(again)-1], keys) {
				t.Fatalf("%q means %q, which is written %q and means %q, %v", field, keys, quoteField(keys), again, err)
			}
			var value any = "x"
			for i := len(keys) - 1; i >= 0; i-- {
				value = map[string]any{keys[i]: value}
			}
			if !(Compare{Field: field, Op: Eq, Value: "x"}).Matches(value.(map[string]any)) {
				t.Fatalf("%q does not find %v", field, value)
			}
		}
	})
}
