package cldr

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "de", `{"annotations":{"identity":{"language":"de"},"annotations":{
		"⌚":{"default":["Armbanduhr","Uhr"],"tts":["Armbanduhr"]},"x":{"default":["nur Wort"]}}}}`)
	write(t, dir, "sv-FI", `{"annotations":{"identity":{"language":"sv"}}}`)
	got, err := Load(dir, "de")
	want := map[string]Annotation{
		"231a": {Name: "Armbanduhr", Keywords: []string{"Armbanduhr", "Uhr"}},
		"78":   {Keywords: []string{"nur Wort"}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Load = %v, %v; want %v", got, err, want)
	}
	if got, err := Load(dir, "sv-FI"); err != nil || len(got) != 0 {
		t.Errorf("a locale without annotations = %v, %v", got, err)
	}
	if got, err := Locales(dir); err != nil || !reflect.DeepEqual(got, []string{"de", "sv-FI"}) {
		t.Errorf("Locales = %v, %v", got, err)
	}
}

func TestLoadErrors(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "de", `{"annotations":`)
	if _, err := Load(dir, "de"); err == nil {
		t.Error("a truncated file is accepted")
	}
	if _, err := Load(dir, "xx"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing locale: %v", err)
	}
	for _, locale := range []string{"", "..", "../de", "a/b", "/etc"} {
		if _, err := Load(dir, locale); err == nil {
			t.Errorf("locale %q is accepted", locale)
		}
	}
}

func TestKey(t *testing.T) {
	for emoji, want := range map[string]string{
		"😀": "1f600", "8️⃣": "38-20e3", "❤️‍🔥": "2764-200d-1f525", "": "",
	} {
		if got := Key(emoji); got != want {
			t.Errorf("Key(%q) = %q, want %q", emoji, got, want)
		}
	}
}

func TestEmoji(t *testing.T) {
	if got, err := Emoji("0038-FE0F-20E3"); err != nil || got != "8️⃣" {
		t.Errorf("Emoji = %q, %v", got, err)
	}
	for _, bad := range []string{"", "-", "zz", "1f600-", "-1", "ffffffff"} {
		if got, err := Emoji(bad); err == nil {
			t.Errorf("Emoji(%q) = %q, want an error", bad, got)
		}
	}
}

func TestSkinToned(t *testing.T) {
	for emoji, want := range map[string]bool{"👍": false, "👍🏽": true, "🏽": false, "👩🏽‍🚀": true} {
		if got := SkinToned(emoji); got != want {
			t.Errorf("SkinToned(%q) = %v", emoji, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"annotations":{"annotations":{"⌚":{"default":["Uhr"],"tts":["Armbanduhr"]}}}}`))
	f.Add([]byte(`{"annotations":{"annotations":{"⌚":null}}}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if annotations, err := parse(data); err == nil && annotations == nil {
			t.Error("neither annotations nor an error")
		}
	})
}

func write(t *testing.T, dir, locale, text string) {
	t.Helper()
	folder := filepath.Join(dir, "annotations", locale)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "annotations.json"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
