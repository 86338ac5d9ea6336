package inspect

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"polylens/trainer/data"
)

var update = flag.Bool("update", false, "write golden files")

// words counts a token for each word, and the end.
type words struct{}

func (words) Count(text string) int { return len(strings.Fields(text)) + 1 }

func report(t testing.TB, set *data.Set, s stored, seed uint64, shares Shares) Report {
	t.Helper()
	f := inspect(t, set, s, Options{})
	parts, err := f.Split(seed, shares)
	if err != nil {
		t.Fatal(err)
	}
	return NewReport(set, f, parts, words{}, 4)
}

func TestReport(t *testing.T) {
	s := stored{"broken": []byte("GIF89a"), "silent": asPNG(t, scene(100, 40, 40))}
	var all []data.Record
	for i := range 24 {
		uri := fmt.Sprintf("picture %02d", i)
		s[uri] = asPNG(t, scene(uint64(i%22), 40, 40))
		item := ""
		if i < 6 {
			item = fmt.Sprint("item ", i/3)
		}
		all = append(all, record(uri, item, fmt.Sprintf("en:number %d", i), "de:eine sehr lange Beschreibung"))
	}
	all = append(all, record("silent", ""), record("broken", "", "en:lost"), data.Record{Picture: data.Picture{URI: "silent"}, Empty: 2, Place: data.Place{File: "f", Part: "line:3"}})
	for i := range 12 {
		all = append(all, record(fmt.Sprintf("missing %02d", i), "", ":lost"))
	}
	set := collect(t, all...)
	set.Problems = []data.Problem{{Place: data.Place{File: "f", Part: "line:2"}, Err: errors.New("it is not a JSON object")}}
	set.Pairs = append(set.Pairs, data.Pair{Picture: 0, Text: "unknown"})
	r := report(t, set, s, 3, Shares{Validation: 0.2})
	if err := r.Check(); err != nil {
		t.Errorf("got %v", err)
	}
	var text bytes.Buffer
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/report.txt", text.Bytes())
	object, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/report.json", append(object, '\n'))
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
	}
}

func TestCheck(t *testing.T) {
	a, b := asPNG(t, scene(1, 40, 40)), asPNG(t, scene(2, 40, 40))
	s := stored{"a": a, "b": b, "c": a}
	for _, test := range []struct {
		name    string
		records []data.Record
		shares  Shares
		want    error
		text    string
	}{
		{"nothing", nil, Shares{}, ErrNoPairs, "0 records were read"},
		{"no texts", []data.Record{record("a", ""), record("b", "")}, Shares{}, ErrNoPairs, "2 records were read"},
		{"unreadable", []data.Record{record("x", "", "en:x"), record("y", "", "en:y")}, Shares{}, ErrUnreadable, "the first: x: file does not exist"},
		{"texts of the unreadable", []data.Record{record("x", "", "en:x"), record("a", "")}, Shares{}, ErrNoPairs, "none of the 1 readable"},
		{"one pair", []data.Record{record("a", "", "en:a")}, Shares{}, ErrTooFewPairs, "of 1 pairs the split leaves it 1"},
		{"split", []data.Record{record("a", "", "en:a"), record("b", "", "en:b")}, Shares{Validation: 0.999999}, ErrTooFewPairs, "leaves it 0"},
		{"one item", []data.Record{record("a", "x", "en:a"), record("b", "x", "en:b")}, Shares{}, ErrOneItem, "2 pairs"},
		{"one content", []data.Record{record("a", "", "en:a"), record("c", "", "en:b")}, Shares{}, ErrOneItem, "2 pairs"},
		{"enough", []data.Record{record("a", "", "en:a"), record("b", "", "en:b")}, Shares{}, nil, ""},
	} {
		err := report(t, collect(t, test.records...), s, 0, test.shares).Check()
		if !errors.Is(err, test.want) || test.want != nil && !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: got %v, want %v with %q", test.name, err, test.want, test.text)
		}
	}
}

func TestWarnings(t *testing.T) {
	s := stored{}
	var all []data.Record
	for i := range 60 {
		uri := fmt.Sprint(i)
		s[uri] = asJPEG(t, scene(uint64(max(i, 20)), 40, 40), 40+min(i, 20)) // the first look alike
		all = append(all, record(uri, "", "en:one"))
	}
	r := report(t, collect(t, all...), s, 0, Shares{Test: 0.2})
	want := []string{
		"all texts are in one language (en): search in others may get worse",
		"21 of 60 pictures look the same from afar and stay together: if they are not, compare files only",
		"nothing is left for validation",
	}
	if !reflect.DeepEqual(r.Warnings, want) {
		t.Errorf("got %q, want %q", r.Warnings, want)
	}
}

// ids is a tokenizer with an id for each byte.
type ids struct{ end, padding int64 }

func (e ids) Encode(text string, length int) []int64 {
	var found []int64
	for _, b := range []byte(text[:min(len(text), length-1)]) {
		found = append(found, int64(b))
	}
	found = append(found, e.end)
	for len(found) < length {
		found = append(found, e.padding)
	}
	return found
}

func TestCountWith(t *testing.T) {
	for _, e := range []ids{{1, 0}, {1, 1}} {
		for text, want := range map[string]int{"": 1, "abc": 4, "abcdefg": 8, "abcdefghi": 8} {
			if got := CountWith(e, 8).Count(text); got != want {
				t.Errorf("%+v, %q: got %d, want %d", e, text, got, want)
			}
		}
	}
}
