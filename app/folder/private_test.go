package folder_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"polylens/app/folder"
)

// modes are those of everything in a folder, by name.
func modes(t *testing.T, path string) map[string]fs.FileMode {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]fs.FileMode{}
	for _, entry := range entries {
		info, err := os.Stat(filepath.Join(path, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		found[entry.Name()] = info.Mode().Perm()
	}
	return found
}

// TestTighten: what Polylens has made is its owner's alone afterwards; what others have
// put there, and what a link leads to, stays as it is.
func TestTighten(t *testing.T) {
	data, elsewhere := t.TempDir(), t.TempDir()
	for _, name := range []string{"models", "runs", "pictures"} {
		if err := os.Mkdir(filepath.Join(data, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"catalogue.db", "model.json", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(data, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(elsewhere, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(data, "milvus")); err != nil {
		t.Fatal(err)
	}
	changed, err := folder.Tighten(data)
	if want := []string{"models", "runs", "catalogue.db", "model.json"}; err != nil || !slices.Equal(changed, want) {
		t.Errorf("changed %q, %v, want %q", changed, err, want)
	}
	want := map[string]fs.FileMode{
		"models": 0o700, "runs": 0o700, "catalogue.db": 0o600, "model.json": 0o600, "pictures": 0o755, "notes.txt": 0o644, "milvus": 0o755,
	}
	for name, mode := range modes(t, data) {
		if mode != want[name] {
			t.Errorf("%s has the mode %o, want %o", name, mode, want[name])
		}
	}
	if again, err := folder.Tighten(data); err != nil || len(again) > 0 {
		t.Errorf("the second time: %q, %v", again, err)
	}
	if _, err := folder.Tighten(filepath.Join(data, "none")); err == nil {
		t.Error("no folder is no error")
	}
}
