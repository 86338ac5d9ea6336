package catalog

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestKeyText(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		key := NewKeyText()
		id, ok := KeyIDOf(key)
		if !ok || len(id) != keyIDLength || seen[id] || seen[key] || len(key) != keyLength {
			t.Fatalf("%q has the ID %q, %t", key, id, ok)
		}
		seen[id], seen[key] = true, true
		for at := range key {
			changed := []byte(key)
			if changed[at] = 'x'; key[at] == 'x' {
				changed[at] = 'y'
			}
			if _, ok := KeyIDOf(string(changed)); ok {
				t.Errorf("mistyped at %d, it is still a key", at)
			}
		}
	}
}

func FuzzKeyIDOf(f *testing.F) {
	f.Add(NewKeyText())
	f.Add("polylens_")
	f.Fuzz(func(t *testing.T, text string) {
		id, ok := KeyIDOf(text)
		if ok != (id != "") || ok && !strings.HasPrefix(text, "polylens_"+id+"_") {
			t.Errorf("%q has the ID %q, %t", text, id, ok)
		}
		var key Key
		if key.SetText(text); key.ID != id || !key.IsText(text) || key.IsText(text+"\x00") {
			t.Errorf("%q is not its own key", text)
		}
	})
}

func TestKeyValidate(t *testing.T) {
	now := time.Now()
	good := Key{Name: "n", Scopes: []Scope{ScopeSearch}}
	for label, test := range map[string]struct {
		change func(*Key)
		words  string
	}{
		"nothing wrong":       {func(*Key) {}, ""},
		"limited":             {func(k *Key) { k.Rate, k.Burst, k.Collections = 0.5, 1, []string{"a"} }, ""},
		"no name":             {func(k *Key) { k.Name = " " }, "name"},
		"two lines":           {func(k *Key) { k.Name = "a\nb" }, "one line"},
		"no text":             {func(k *Key) { k.Name = "\xff" }, "name"},
		"no scope":            {func(k *Key) { k.Scopes = nil }, "at least one scope"},
		"another scope":       {func(k *Key) { k.Scopes = []Scope{"root"} }, "root"},
		"no collection":       {func(k *Key) { k.Collections = []string{} }, "leave it out"},
		"no name of one":      {func(k *Key) { k.Collections = []string{"*"} }, "collection name"},
		"expired":             {func(k *Key) { k.Expires = now }, "expired already"},
		"a negative rate":     {func(k *Key) { k.Rate, k.Burst = -1, 1 }, "more than 0"},
		"a rate of nothing":   {func(k *Key) { k.Burst = 3 }, "more than 0"},
		"a rate without room": {func(k *Key) { k.Rate = 1 }, "at once"},
	} {
		key := good
		test.change(&key)
		err := key.Validate(now)
		if (err == nil) != (test.words == "") || err != nil && (!errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), test.words)) {
			t.Errorf("%s: %v", label, err)
		}
	}
}

// TestKeyExceeds: no key makes one that may do more than itself (as CVE-2026-23896 let
// keys do elsewhere).
func TestKeyExceeds(t *testing.T) {
	end := time.Now().Add(time.Hour)
	all := Key{Scopes: []Scope{ScopeAdmin}}
	limited := Key{Scopes: []Scope{ScopeAdmin}, Collections: []string{"a", "b"}, Expires: end, Rate: 5, Burst: 10}
	searcher := Key{Scopes: []Scope{ScopeSearch}}
	within := Key{Scopes: []Scope{ScopeSearch, ScopeTrain}, Collections: []string{"b"}, Expires: end, Rate: 5, Burst: 10}
	change := func(do func(*Key)) Key { key := within; do(&key); return key }
	for label, test := range map[string]struct {
		key, of Key
		words   string
	}{
		"admin makes all":    {all, all, ""},
		"admin makes search": {searcher, all, ""},
		"itself":             {limited, limited, ""},
		"within":             {within, limited, ""},
		"no admin":           {all, searcher, "admin"},
		"another scope":      {Key{Scopes: []Scope{ScopeSearch, ScopeIndex}}, searcher, "index"},
		"all collections":    {change(func(k *Key) { k.Collections = nil }), limited, "all collections"},
		"another collection": {change(func(k *Key) { k.Collections = []string{"a", "c"} }), limited, `"c"`},
		"for ever":           {change(func(k *Key) { k.Expires = time.Time{} }), limited, "beyond its own end"},
		"longer":             {change(func(k *Key) { k.Expires = end.Add(1) }), limited, "beyond its own end"},
		"faster":             {change(func(k *Key) { k.Rate = 6 }), limited, "more requests"},
		"the default rate":   {change(func(k *Key) { k.Rate, k.Burst = 0, 0 }), limited, "more requests"},
		"more at once":       {change(func(k *Key) { k.Burst = 11 }), limited, "more requests"},
	} {
		if got := test.key.Exceeds(test.of); (got == "") != (test.words == "") || !strings.Contains(got, test.words) {
			t.Errorf("%s: %q", label, got)
		}
	}
}
