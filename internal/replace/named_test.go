package replace

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// TestDurableNamed: the file has its name once it is whole, and not at all otherwise.
func TestDurableNamed(t *testing.T) {
	folder := t.TempDir()
	below := filepath.Join(folder, "below")
	if err := os.Mkdir(below, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(below, "name")
	for _, text := range []string{"first", "second"} {
		err := DurableNamed(folder, func(w io.Writer) (string, error) {
			_, err := io.WriteString(w, text)
			return path, err
		})
		if data, readErr := os.ReadFile(path); err != nil || readErr != nil || string(data) != text {
			t.Errorf("it holds %q, %v, %v", data, err, readErr)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != Private {
		t.Errorf("its mode is %v, %v", info.Mode(), err)
	}
	broken := errors.New("broken")
	err := DurableNamed(folder, func(w io.Writer) (string, error) {
		_, _ = io.WriteString(w, "half")
		return path, broken
	})
	if data, _ := os.ReadFile(path); !errors.Is(err, broken) || string(data) != "second" {
		t.Errorf("after %v it holds %q", err, data)
	}
	if err := DurableNamed(folder, func(io.Writer) (string, error) { return filepath.Join(folder, "none", "x"), nil }); err == nil {
		t.Error("a folder that is missing is no error")
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
		t.Errorf("left are %v, %v", entries, err)
	}
}
