package hub

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"polylens/encoder/internal/formula"
	"polylens/internal/replace"
)

const config = `{"model_type":"siglip",
	"text_config":{"hidden_size":8,"intermediate_size":8,"num_hidden_layers":1,"num_attention_heads":2,"vocab_size":300},
	"vision_config":{"hidden_size":8,"intermediate_size":8,"num_hidden_layers":1,"num_attention_heads":2,"image_size":8,"patch_size":4}}`

// model writes a small checkpoint into models/name and keeps the digests of
// the test apart from the user's.
func model(t *testing.T, models, name string) string {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := filepath.Join(models, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := formula.WriteCheckpoint(dir, []byte(config)); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "tokenizer.json", "{}")
	return dir
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func fingerprint(t *testing.T, dir string) string {
	t.Helper()
	print, err := Fingerprint(dir)
	if err != nil || len(print) != 64 {
		t.Fatalf("fingerprint %q: %v", print, err)
	}
	return print
}

func TestFingerprintCoversWhatTheModelComputes(t *testing.T) {
	dir := model(t, t.TempDir(), "m")
	before := fingerprint(t, dir)
	write(t, dir, "README.md", "words")
	if fingerprint(t, dir) != before {
		t.Error("a README changes the fingerprint")
	}
	for _, name := range []string{"tokenizer.json", "preprocessor_config.json", "config.json"} {
		write(t, dir, name, `{"changed":"`+name+`"}`)
		after := fingerprint(t, dir)
		if after == before {
			t.Errorf("another %s keeps the fingerprint", name)
		}
		before = after
	}
}

func TestFingerprintRemembersSettledFiles(t *testing.T) {
	dir := model(t, t.TempDir(), "m")
	weights := filepath.Join(dir, "model.safetensors")
	before := fingerprint(t, dir)
	flip(t, weights)
	if fingerprint(t, dir) == before {
		t.Error("a change within the same second goes unseen")
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(weights, old, old); err != nil {
		t.Fatal(err)
	}
	before = fingerprint(t, dir)
	flip(t, weights)
	if err := os.Chtimes(weights, old, old); err != nil {
		t.Fatal(err)
	}
	if fingerprint(t, dir) != before {
		t.Error("a file of the same size and time was read again")
	}
}

// flip changes the last byte of a file.
func flip(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)-1] ^= 1
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestListAndFind(t *testing.T) {
	models := filepath.Join(t.TempDir(), "odd [name]*")
	dir := model(t, models, "owner/small")
	broken := model(t, models, "broken")
	if err := os.Truncate(filepath.Join(broken, "model.safetensors"), 100); err != nil {
		t.Fatal(err)
	}
	store := Store{Models: models}
	list, err := store.List()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]Info{}
	for _, info := range list {
		found[info.Name] = info
	}
	small := found["owner/small"]
	if small.Dimension != 8 || small.ImageSize != 8 || small.Problem != "" || small.Parameters == 0 || len(small.Files) != 3 {
		t.Errorf("the small model is described as %+v", small)
	}
	if !strings.Contains(found["broken"].Problem, "model.safetensors") {
		t.Errorf("the broken model is described as %+v", found["broken"])
	}
	for _, name := range []string{"owner/small", dir} {
		if got, err := store.Find(name); err != nil || got != dir {
			t.Errorf("Find(%q) = %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"none", "../models/owner/small/nope", ""} {
		if _, err := store.Find(name); err == nil || !strings.Contains(err.Error(), "polylens model list") {
			t.Errorf("Find(%q) answers %v", name, err)
		}
	}
}

var bundle = fstest.MapFS{
	"config.json":       {Data: []byte(config)},
	"model.safetensors": {Data: []byte(strings.Repeat("weights", 1000))},
}

func TestUnpackIsWholeAndRepeatable(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	models := filepath.Join(t.TempDir(), "models")
	dir, err := unpack(bundle, models)
	if err != nil {
		t.Fatal(err)
	}
	before, _ := os.Stat(filepath.Join(dir, "config.json"))
	if _, err := unpack(bundle, models); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.Stat(filepath.Join(dir, "config.json")); !os.SameFile(before, after) {
		t.Error("a whole model was unpacked again")
	}
	damages := map[string]func(path string) error{
		"cut":     func(path string) error { return os.Truncate(path, 10) },
		"removed": os.Remove,
		"changed": func(path string) error { flip(t, path); return nil },
	}
	for name, damage := range damages {
		if err := damage(filepath.Join(dir, "model.safetensors")); err != nil {
			t.Fatal(err)
		}
		if _, err := unpack(bundle, models); err != nil || matches(bundle, dir) != nil {
			t.Errorf("%s: not repaired: %v", name, err)
		}
	}
	if rest, _ := filepath.Glob(filepath.Join(models, replace.Unfinished+"*")); len(rest) > 0 {
		t.Errorf("left behind: %v", rest)
	}
}

func TestUnpackClearsLeftovers(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	models := t.TempDir()
	interrupted := filepath.Join(models, replace.Unfinished+BundledName+"-123")
	if err := os.MkdirAll(filepath.Join(interrupted, "new"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := unpack(bundle, models); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(interrupted); !errors.Is(err, fs.ErrNotExist) {
		t.Error("what an interrupted unpacking left stays")
	}
}

func TestUnpackAtOnce(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	models := t.TempDir()
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if dir, err := unpack(bundle, models); err != nil || matches(bundle, dir) != nil {
				t.Errorf("unpacking at once: %v", err)
			}
		})
	}
	group.Wait()
}

func TestUnpackErrors(t *testing.T) {
	if _, err := unpack(fstest.MapFS{"README.md": {}}, t.TempDir()); !errors.Is(err, ErrNotBundled) {
		t.Errorf("a bundle without a model answers %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	write(t, filepath.Dir(file), "file", "")
	if _, err := unpack(bundle, filepath.Join(file, "models")); err == nil || !strings.Contains(err.Error(), "unpacking polylens-mini") {
		t.Errorf("an impossible folder answers %v", err)
	}
}
