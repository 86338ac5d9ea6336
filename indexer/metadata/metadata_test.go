package metadata

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestParse(t *testing.T) {
	got, lost, err := Parse([]byte(` {"id": 1234567890123456789, "least": -9223372036854775808, "year": 2024, "edge": 9007199254740992,
		"more": 9007199254740993, "half": 0.5, "far": 92233720368547758080, "tags": ["a", 9007199254740995], "in": {"it": [{"n": -9007199254740993}]},
		"whole": 1e2, "nothing": null, "yes": true} `))
	want := map[string]any{
		"id": int64(1234567890123456789), "least": int64(-9223372036854775808), "year": 2024., "edge": 9007199254740992.,
		"more": int64(9007199254740993), "half": .5, "far": 92233720368547758080., "tags": []any{"a", int64(9007199254740995)},
		"in": map[string]any{"it": []any{map[string]any{"n": int64(-9007199254740993)}}}, "whole": 100., "nothing": nil, "yes": true,
	}
	if err != nil || lost != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v\nwant %v", got, err, want)
	}
}

func TestParseFails(t *testing.T) {
	for _, text := range []string{``, `x`, `[]`, `"x"`, `1`, `{"a": 1} {}`, `{"a": 1`} {
		if got, _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestParseLosesAField(t *testing.T) {
	for _, text := range []string{`{"a": 1e999, "x": 1}`, `{"x": 1, "a": [{"b": -1e999}]}`} {
		if got, lost, err := Parse([]byte(text)); err != nil || len(lost) != 1 || !reflect.DeepEqual(got, map[string]any{"x": 1.}) {
			t.Errorf("%s: %v, %v, %v", text, got, lost, err)
		}
	}
}

// What is read and written again is the same.
func FuzzParse(f *testing.F) {
	for _, text := range []string{`{"a": [1, 2.5, {"b": 9007199254740993}], "c": "d"}`, `{}`, `{"a": 1e300}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		object, _, err := Parse(data)
		if err != nil || object == nil {
			return
		}
		text, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		again, lost, err := Parse(text)
		if err != nil || lost != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if same, err := json.Marshal(again); err != nil || string(same) != string(text) {
			t.Fatalf("%s became %s, %v", text, same, err)
		}
	})
}
