package hub

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestVerifyDir(t *testing.T) {
	changes := map[string]struct {
		change func(dir string) error
		words  string
	}{
		"nothing":      {func(string) error { return nil }, ""},
		"a bit":        {func(dir string) error { flip(t, filepath.Join(dir, "model.safetensors")); return nil }, "model.safetensors is not what"},
		"the end":      {func(dir string) error { return os.Truncate(filepath.Join(dir, "tokenizer.json"), 1) }, "tokenizer.json"},
		"a file":       {func(dir string) error { return os.Remove(filepath.Join(dir, "tokenizer.json")) }, "tokenizer.json"},
		"one more":     {func(dir string) error { write(t, dir, "preprocessor_config.json", "{}"); return nil }, "preprocessor_config.json has been added"},
		"a readme":     {func(dir string) error { write(t, dir, "NOTES.md", "words"); return nil }, ""},
		"the manifest": {func(dir string) error { return os.Remove(filepath.Join(dir, ManifestFile)) }, ManifestFile},
	}
	for title, test := range changes {
		t.Run(title, func(t *testing.T) {
			dir := model(t, t.TempDir(), "m")
			written, err := WriteManifest(t.Context(), dir)
			if err != nil || written.Fingerprint != fingerprint(t, dir) || written.Kind != KindSiglip || written.Date.IsZero() {
				t.Fatalf("wrote %+v, %v", written, err)
			}
			if err := test.change(dir); err != nil {
				t.Fatal(err)
			}
			read, err := VerifyDir(t.Context(), dir)
			if test.words == "" && (err != nil || !reflect.DeepEqual(read, written)) {
				t.Errorf("read %+v, %v", read, err)
			}
			if test.words != "" && (err == nil || !strings.Contains(err.Error(), test.words)) {
				t.Errorf("answers %v", err)
			}
			if title == "the manifest" != errors.Is(err, ErrNoManifest) {
				t.Errorf("answers %v", err)
			}
			if again, err := WriteManifest(t.Context(), dir); title == "a bit" && (err != nil || again.Fingerprint == written.Fingerprint) {
				t.Errorf("writing again: %+v, %v", again, err)
			}
		})
	}
}

// A change that is meant ends what the manifest says of the origin.
func TestStampForgetsOrigin(t *testing.T) {
	h, store := newFakeHub(t), newStore(t)
	info := h.mustPull(t, store)
	if manifest, err := store.Stamp(t.Context(), name); err != nil || manifest.Source != name {
		t.Errorf("an intact model is stamped %+v, %v", manifest, err)
	}
	flip(t, filepath.Join(info.Dir, "model.safetensors"))
	if _, err := store.Verify(t.Context(), name); err == nil {
		t.Error("damage is not seen")
	}
	if manifest, err := store.Stamp(t.Context(), name); err != nil || manifest.Source != "" || manifest.Revision != "" {
		t.Errorf("a changed model is stamped %+v, %v", manifest, err)
	}
	if files, err := store.Verify(t.Context(), name); err != nil || files != 3 {
		t.Errorf("it is verified as %d files, %v", files, err)
	}
}

func manifestText(t testing.TB) []byte {
	content, err := json.Marshal(Manifest{Version: 1, Source: name, Revision: commit, Files: []StampedFile{{"config.json", 3, strings.Repeat("a", 64)}}})
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestParseManifest(t *testing.T) {
	sound := string(manifestText(t))
	if _, err := parseManifest([]byte(sound)); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{"config.json", "../config.json"}, {"config.json", "/config.json"}, {strings.Repeat("a", 64), "abc"}, {`"version":1`, `"version":2`},
		{commit, "main"}, {name, "../.."}, {`"bytes":3`, `"bytes":-3`}, {"{", ""}, {`[{`, `[],"x":[{`},
	} {
		if got, err := parseManifest([]byte(strings.Replace(sound, change[0], change[1], 1))); err == nil {
			t.Errorf("%s as %s is read as %+v", change[0], change[1], got)
		}
	}
}

func FuzzParseManifest(f *testing.F) {
	f.Add(manifestText(f))
	f.Fuzz(func(t *testing.T, content []byte) {
		manifest, err := parseManifest(content)
		if err != nil {
			return
		}
		for _, file := range manifest.Files {
			if !filepath.IsLocal(file.Name) {
				t.Errorf("a file is %+v", file)
			}
		}
	})
}
