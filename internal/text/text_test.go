package text

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

func TestNumber(t *testing.T) {
	for text, want := range map[string]any{
		"0": 0., "-0": 0., "-0.0": 0., "1": 1., "1.0": 1., "1e2": 100., "0.1": 0.1, "-2.5e-3": -0.0025, "1e-999999999": 0.,
		"9007199254740992": 9007199254740992., "9007199254740993": int64(9007199254740993), "-9007199254740993": int64(-9007199254740993),
		"9007199254740993.0": int64(9007199254740993), "9.007199254740993e15": int64(9007199254740993), "1e16": int64(10000000000000000),
		"9223372036854775807": int64(math.MaxInt64), "-9223372036854775808": int64(math.MinInt64), "9223372036854775807.0": int64(math.MaxInt64),
		"92233720368547758080": 92233720368547758080., "18446744073709551616": 18446744073709551616., "1e300": 1e300, "-1e19": -1e19,
	} {
		if got, err := Number(json.Number(text)); err != nil || got != want {
			t.Errorf("%s: %v (%T), %v, want %v (%T)", text, got, got, err, want, want)
		}
	}
	for _, text := range []string{"1e999", "-1e999", "18446744073709551615", "92233720368547758081", "-9223372036854775809", "9223372036854775808", "9223372036854775808.0"} {
		if got, err := Number(json.Number(text)); err == nil {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// FuzzNumber: integers that are accepted are exactly what was written.
func FuzzNumber(f *testing.F) {
	for _, text := range []string{"1", "1.0", "9007199254740993", "9.007199254740993e15", "1e300", "-0", "92233720368547758081", "1e-99"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) || strings.Trim(text, "-+.eE0123456789") != "" || text == "" || len(text) > 400 {
			return
		}
		got, err := Number(json.Number(text))
		if err != nil || strings.ContainsAny(text, "eE") {
			return
		}
		exact, ok := new(big.Rat).SetString(text)
		if !ok || !exact.IsInt() {
			return
		}
		var same *big.Rat
		switch got := got.(type) {
		case float64:
			same = new(big.Rat).SetFloat64(got)
		case int64:
			same = new(big.Rat).SetInt64(got)
		}
		if math.Abs(ofRat(exact)) < 1<<64 && same.Cmp(exact) != 0 {
			t.Fatalf("%s became %v", text, got)
		}
	})
}

func ofRat(r *big.Rat) float64 { f, _ := r.Float64(); return f }

func TestObject(t *testing.T) {
	got, err := Object([]byte("{\"Mu\u0308\": [\"o\u0308\", 9007199254740993, null, {\"x\": true}], \"e\": {}, \"u\": \"\\ud83d\\ude00\\\\u0000\"}"))
	want := map[string]any{"Mü": []any{"ö", int64(9007199254740993), nil, map[string]any{"x": true}}, "e": map[string]any{}, "u": `😀\u0000`}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, %v", got, err)
	}
	for text, says := range map[string]string{
		`{"a":1,"a":2}`: `key "a" occurs twice`, "{\"\u00fc\":1,\"u\u0308\":2}": `key "ü" occurs twice`, `{"x":{"b":1,"b":2}}`: `key "x": the key "b" occurs twice`,
		`{"a":"\u0000"}`: "zero character", `{"a":"\ud83d"}`: "half of a character", `{"a":"\udc00\ud800"}`: "half of a character", `{"a":"\ud83dx"}`: "half of a character",
		"{\"a\":\"\xff\"}": "UTF-8", "{\n\"a\":1,\n}": "line 3", `{"a":1`: "unexpected end", `[]`: "not a JSON object", ` `: "empty",
		`{"a":1} x`: "after top-level value", `{"s":NaN}`: "line 1, byte 6", `{"n":18446744073709551615}`: `key "n": integer`,
		strings.Repeat(`{"a":`, 150) + "1" + strings.Repeat("}", 150): "nested deeper",
	} {
		if got, err := Object([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.60s: %v, %v, want an error that says %q", text, got, err, says)
		}
	}
}

func TestStoredObject(t *testing.T) {
	got, err := StoredObject([]byte(`{"n":18446744073709551615,"z":"\u0000","id":9007199254740993,"l":[[1]]}`))
	want := map[string]any{"n": 18446744073709551615., "z": "\x00", "id": int64(9007199254740993), "l": []any{[]any{1.}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, %v", got, err)
	}
}

// FuzzObject: what is accepted is composed text without zero characters, and the
// same when it is written and read again.
func FuzzObject(f *testing.F) {
	for _, text := range []string{`{"a":[1,{"b":null}]}`, `{"a":"\ud83d\ude00"}`, `{"a":"\u0000"}`, "{\"u\u0308\":1}", `{"a":1,"a":1}`, `{"n":1e16}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		object, err := Object(data)
		if err != nil {
			return
		}
		for key := range object {
			if Check(key) != nil || NFC(key) != key {
				t.Fatalf("key %q", key)
			}
		}
		written, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		for name, read := range map[string]func([]byte) (map[string]any, error){"Object": Object, "StoredObject": StoredObject} {
			if again, err := read(written); err != nil || !reflect.DeepEqual(again, object) {
				t.Fatalf("%s: %s is %#v, %v, was %#v", name, written, again, err, object)
			}
		}
	})
}

func TestDecode(t *testing.T) {
	utf16be := func(text string) []byte {
		out := []byte{0xfe, 0xff}
		for _, unit := range utf16.Encode([]rune(text)) {
			out = append(out, byte(unit>>8), byte(unit))
		}
		return out
	}
	for _, data := range [][]byte{[]byte("größer 😀"), []byte("\ufeffgrößer 😀"), utf16be("größer 😀"), swapped(utf16be("größer 😀"))} {
		if got, err := Decode(data); err != nil || string(got) != "größer 😀" {
			t.Errorf("%x: %q, %v", data, got, err)
		}
	}
	for says, data := range map[string]string{
		"UTF-32": "\xff\xfe\x00\x00a\x00\x00\x00", "UTF-16 without": "{\x00\"\x00", "seems to be UTF-16": "\x00{\x00\"", "ends within": "\xff\xfea", "half a character at byte 2": "\xfe\xff\xd8\x00\x00a",
		"at byte 4": "\xff\xfea\x00\x00\xd8",
	} {
		if got, err := Decode([]byte(data)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %q, %v, want %q", data, got, err, says)
		}
	}
	if got, err := Decode([]byte("{")); err != nil || string(got) != "{" {
		t.Errorf("%q, %v", got, err)
	}
}

func swapped(data []byte) []byte {
	for i := 0; i+1 < len(data); i += 2 {
		data[i], data[i+1] = data[i+1], data[i]
	}
	return data
}

// FuzzDecode: UTF-16 becomes UTF-8 without replacements that nobody wrote, within
// the promised bound.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{"\xff\xfea\x00", "\xfe\xff\xd8\x3d\xde\x00", "a", "\xef\xbb\xbf{}", "\xff\xfe\x00\xd8"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := Decode(data)
		if err != nil {
			return
		}
		if 2*len(got) > 3*len(data) {
			t.Fatalf("%d bytes became %d", len(data), len(got))
		}
		isUTF16 := len(data) > 1 && (data[0] == 0xff && data[1] == 0xfe || data[0] == 0xfe && data[1] == 0xff)
		if isUTF16 && !utf8.Valid(got) {
			t.Fatalf("%x became %x", data, got)
		}
	})
}

func TestCheckLines(t *testing.T) {
	var invalid *Invalid
	err := CheckLines([]byte("a\nb\xfc\n"), 7)
	if !errors.As(err, &invalid) || *invalid != (Invalid{8, 2, 0xfc}) || !errors.Is(err, ErrNotUTF8) {
		t.Errorf("%v", err)
	}
	if err := CheckLines([]byte("ä\ufffd\n"), 1); err != nil {
		t.Error(err)
	}
}
