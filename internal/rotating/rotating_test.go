package rotating

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}

func TestRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	for n := range 9 { // each time as another process
		log := New(path, 10, 2)
		if _, err := fmt.Fprintf(log, "line%d\n", n); err != nil {
			t.Fatal(err)
		}
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"": "line8\n", ".1": "line7\n", ".2": "line6\n", ".3": ""} {
		if got := read(t, path+name); got != want {
			t.Errorf("log%s holds %q, want %q", name, got, want)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// TestNothingIsTorn: lines of many writers, some longer than a file, stay whole, and none is
// lost while there is room for all files.
func TestNothingIsTorn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	log := New(path, 300, 1000)
	var writing sync.WaitGroup
	const writers, lines = 8, 50
	for w := range writers {
		writing.Go(func() {
			for n := range lines {
				line := fmt.Sprintf("<%d %d%s>\n", w, n, strings.Repeat(".", n*10))
				if _, err := log.Write([]byte(line)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writing.Wait()
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, file := range files {
		for line := range strings.Lines(read(t, file)) {
			if count++; !strings.HasPrefix(line, "<") || !strings.HasSuffix(line, ">\n") {
				t.Errorf("torn: %q", line)
			}
		}
	}
	if count != writers*lines {
		t.Errorf("%d lines", count)
	}
}

func TestNewAttemptAfterAnError(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "later")
	log := New(filepath.Join(folder, "log"), 100, 1)
	if _, err := log.Write([]byte("lost\n")); err == nil {
		t.Error("a folder that is not there was written to")
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Write([]byte("kept\n")); err != nil || read(t, filepath.Join(folder, "log")) != "kept\n" {
		t.Error(err)
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
}
