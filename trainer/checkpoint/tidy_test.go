package checkpoint

import (
	"os"
	"path/filepath"
	"testing"
)

// TestTidy: what a process left that was killed while it removed a checkpoint goes, and a
// checkpoint stays.
func TestTidy(t *testing.T) {
	folder := Folder{Path: t.TempDir()}
	left, kept := filepath.Join(folder.Path, ".writing-step-000000036-0"), folder.pathOf(40)
	for _, path := range []string{left, kept} {
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := folder.Tidy(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
	if _, err := os.Stat(kept); err != nil {
		t.Error(err)
	}
	if err := (Folder{Path: filepath.Join(folder.Path, "none")}).Tidy(); err != nil {
		t.Errorf("a folder that does not exist: %v", err)
	}
}
