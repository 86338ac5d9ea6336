package disk

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFree(t *testing.T) {
	folder := t.TempDir()
	here, err := Free(folder)
	if err != nil || here == 0 {
		t.Fatalf("%d bytes, %v", here, err)
	}
	below, err := Free(filepath.Join(folder, "not", "yet", "there"))
	if err != nil || max(here, below)-min(here, below) > 1<<30 { // others write meanwhile
		t.Errorf("%d bytes where nothing is yet, %d above; %v", below, here, err)
	}
}

func TestFreeFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(file, "below")
	if free, err := Free(folder); err == nil || !strings.Contains(err.Error(), folder) {
		t.Errorf("below a file %d bytes are free, %v", free, err)
	}
}
