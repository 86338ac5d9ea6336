package text

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// TestFields: one bad field loses that field.
func TestFields(t *testing.T) {
	for data, want := range map[string]struct {
		fields string
		lost   []string
	}{
		`{"a":1,"b":"x"}`:                      {`{"a":1,"b":"x"}`, nil},
		`null`:                                 {`null`, nil},
		"\n{}\n":                               {`{}`, nil},
		`{"a":"\ud83d","b":[1]}`:               {`{"b":[1]}`, []string{`"a": it holds half of a character, \ud83d`}},
		`{"a":["\u0000"],"b":2}`:               {`{"b":2}`, []string{`"a": `}},
		`{"a":1,"b":2,"a":3,"a":4}`:            {`{"b":2}`, []string{`"a" occurs twice`}},
		"{\"\u00fc\":1,\"u\u0308\":2,\"b\":3}": {`{"b":3}`, []string{`"ü" occurs twice`}},
		`{"a":{"x":1,"x":2},"b":2}`:            {`{"b":2}`, []string{`"a": the key "x" occurs twice`}},
		`{"n":18446744073709551615,"b":2}`:     {`{"b":2}`, []string{`"n": integer`}},
		`{"\ud83d":1,"\ud83e":2,"b":2}`:        {`{"b":2}`, []string{"name of its field", "name of its field"}},
		`{"a":"\ud83d","a":"x","b":"\u0000"}`:  {`{}`, []string{`"a": `, `"b": `}},
		`{"a":` + strings.Repeat("[", 150) + strings.Repeat("]", 150) + `,"b":2}`: {`{"b":2}`, []string{"nested deeper"}},
	} {
		got, lost, err := Fields([]byte(data))
		written, _ := json.Marshal(got)
		if err != nil || string(written) != want.fields || len(lost) != len(want.lost) {
			t.Errorf("%.60s: got %s, %v, %v, want %s, %q", data, written, lost, err, want.fields, want.lost)
			continue
		}
		for i, says := range want.lost {
			if !strings.Contains(lost[i].Error(), says) {
				t.Errorf("%.60s: %v does not say %q", data, lost[i], says)
			}
		}
	}
	for data, says := range map[string]string{"{\"a\":\"\xff\"}": "UTF-8", "{\n\"a\":1,\n}": "line 3", `{"a":1`: "unexpected end", `[]`: "not a JSON object", ` `: "empty", `{"a":1} x`: "after top-level value"} {
		if got, _, err := Fields([]byte(data)); err == nil || got != nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, %v, want an error that says %q", data, got, err, says)
		}
	}
}

// FuzzFields: without losses it is Object; with them, what is left is usable.
func FuzzFields(f *testing.F) {
	for _, data := range []string{`{"a":[1,{"b":null}]}`, `{"a":"\ud83d","b":1}`, `{"a":1,"a":1}`, `{"\udc00":1}`, `null`, `{"n":1e999}`, "{\"u\u0308\":1}"} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fields, lost, err := Fields(data)
		object, refused := Object(data)
		if err == nil && len(lost) == 0 && (refused != nil || !reflect.DeepEqual(fields, object)) {
			t.Fatalf("%q is %#v, and as an object %#v, %v", data, fields, object, refused)
		}
		if err == nil && len(lost) > 0 && refused == nil {
			t.Fatalf("%q loses %v, but is the object %#v", data, errors.Join(lost...), object)
		}
		if err != nil {
			return
		}
		written, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := Object(written); err != nil || !reflect.DeepEqual(again, fields) {
			t.Fatalf("%q: %s is %#v, %v, was %#v", data, written, again, err, fields)
		}
	})
}
