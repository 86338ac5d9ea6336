package ordinary_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"polylens/internal/ordinary"
	"polylens/internal/patient"
)

// silentFolder is one whose calls are not answered until the test ends.
type silentFolder struct {
	*os.Root
	stat, open <-chan struct{} // nil: answered
}

func (s silentFolder) Stat(name string) (fs.FileInfo, error) {
	if s.stat != nil {
		<-s.stat
	}
	return s.Root.Stat(name)
}

func (s silentFolder) OpenFile(name string, flag int, mode fs.FileMode) (*os.File, error) {
	if s.open != nil {
		<-s.open
	}
	return s.Root.OpenFile(name, flag, mode)
}

// wantSilent demands the error of what does not answer, with the place and a remedy.
func wantSilent(t *testing.T, what string, err error, place string) {
	t.Helper()
	var at *fs.PathError
	if !errors.Is(err, patient.ErrSilent) || !errors.As(err, &at) || at.Path != place || !strings.Contains(err.Error(), "network share") {
		t.Errorf("%s: %v, want silence of %s", what, err, place)
	}
}

func TestSilentFolder(t *testing.T) {
	ordinary.Hurry(t, 20*time.Millisecond)
	root := folderWith(t, "file", []byte("content"))
	end := make(chan struct{})
	place := filepath.Join(root.Name(), "file")
	for label, folder := range map[string]silentFolder{"stat": {root, end, nil}, "open": {root, nil, end}} {
		wantSilent(t, label, soon(t, func() error { _, err := ordinary.In(t.Context(), folder, "file"); return err }), place)
	}
	wantSilent(t, "StatIn", soon(t, func() error { _, err := ordinary.StatIn(t.Context(), silentFolder{root, end, nil}, "file"); return err }), place)
	wantSilent(t, "Entries", soon(t, func() error { _, err := ordinary.Entries(t.Context(), silentFolder{root, nil, end}, "."); return err }), root.Name()+"/.")
	wantSilent(t, "a fifth call, of four that may be left", soon(t, func() error { _, err := ordinary.In(t.Context(), root, "file"); return err }), place)
	if n := ordinary.Unanswered(); n != 4 {
		t.Errorf("%d calls are unanswered, want 4", n)
	}
	close(end)
	for deadline := time.Now().Add(time.Minute); ordinary.Unanswered() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("answered calls count as unanswered")
		}
	}
	file, err := ordinary.In(t.Context(), root, "file")
	if err != nil {
		t.Fatalf("the disk answers again: %v", err)
	}
	defer file.Close()
	if content, err := io.ReadAll(file); err != nil || string(content) != "content" {
		t.Errorf("%q, %v", content, err)
	}
}

// TestNobodyWantsIt: a context that ends opens no file, and ends one that hangs.
func TestNobodyWantsIt(t *testing.T) {
	ordinary.Hurry(t, time.Hour)
	root, end := folderWith(t, "file", nil), make(chan struct{})
	defer close(end)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	err := soon(t, func() error { _, err := ordinary.In(ctx, silentFolder{root, nil, end}, "file"); return err })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	_, err = ordinary.OpenContext(ctx, filepath.Join(root.Name(), "file"))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

func TestWithin(t *testing.T) {
	end := make(chan struct{})
	defer close(end)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	err := soon(t, func() error {
		_, err := ordinary.Within(ctx, "/models/a", func() (int, error) { <-end; return 0, nil })
		return err
	})
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "/models/a") {
		t.Errorf("got %v", err)
	}
	if n, err := ordinary.Within(t.Context(), "/models/a", func() (int, error) { return 3, nil }); n != 3 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
}

func folderWith(t *testing.T, name string, content []byte) *os.Root {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

// TestFileReads: a file gives what os gives, in pieces and at any place.
func TestFileReads(t *testing.T) {
	content := make([]byte, 1<<20+77)
	for i := range content {
		content[i] = byte(i * 7 >> 3)
	}
	root := folderWith(t, "file", content)
	file, err := ordinary.Open(filepath.Join(root.Name(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	whole := make([]byte, len(content)+5)
	if n, err := file.ReadAt(whole, 0); n != len(content) || err != io.EOF || !bytes.Equal(whole[:n], content) {
		t.Errorf("all at once: %d bytes, %v", n, err)
	}
	if n, err := file.ReadAt(whole[:1000], 300_000); n != 1000 || err != nil || !bytes.Equal(whole[:n], content[300_000:301_000]) {
		t.Errorf("in the middle: %d bytes, %v", n, err)
	}
	if n, err := file.ReadAt(nil, 5); n != 0 || err != nil {
		t.Errorf("nothing: %d, %v", n, err)
	}
	if at, err := file.Seek(-77, io.SeekEnd); at != 1<<20 || err != nil {
		t.Errorf("at %d, %v", at, err)
	}
	if rest, err := io.ReadAll(file); err != nil || !bytes.Equal(rest, content[1<<20:]) {
		t.Errorf("the rest has %d bytes, %v", len(rest), err)
	}
	if err := file.Close(); err != nil {
		t.Error(err)
	}
	if _, err := file.ReadAt(whole, 0); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after closing: %v", err)
	}
}

// TestReadAll: files of all lengths about the steps that they are read in.
func TestReadAll(t *testing.T) {
	root := folderWith(t, "file", nil)
	path := filepath.Join(root.Name(), "file")
	for _, size := range []int64{0, 1, 511, 512, 513, 1<<20 - 1, 1 << 20, 1<<20 + 1, 3 << 20, 3<<20 + 77} {
		content := make([]byte, size)
		for i := range content {
			content[i] = byte(i * 7 >> 3)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		for most, fits := range map[int64]bool{size: true, size + 1: true, 1 << 30: true, size - 1: false} {
			file, err := ordinary.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			got, err := file.ReadAll(most)
			var long *ordinary.TooLongError
			switch {
			case fits && (err != nil || !bytes.Equal(got, content)):
				t.Errorf("%d bytes of at most %d: got %d, %v", size, most, len(got), err)
			case !fits && (!errors.As(err, &long) || long.Size != size || got != nil):
				t.Errorf("%d bytes of at most %d: got %d, %v", size, most, len(got), err)
			}
			file.Close()
		}
	}
}

// TestReadAllOfAGrowingFile: one that tells no size, or grows, is read to its end, and no
// farther than is allowed.
func TestReadAllOfAGrowingFile(t *testing.T) {
	path := filepath.Join(folderWith(t, "file", []byte("begin")).Name(), "file")
	for size, fits := range map[int]bool{2 << 20: true, 2<<20 + 1: false} {
		file, err := ordinary.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		ordinary.TellSize(file, 3)
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := file.ReadAll(2 << 20)
		if fits && (err != nil || len(got) != size) || !fits && err == nil {
			t.Errorf("%d bytes: got %d, %v", size, len(got), err)
		}
		file.Close()
	}
}
