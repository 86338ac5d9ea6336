package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func newStore(t *testing.T) (*Store, string) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "pictures")
	s, err := OpenFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, folder
}

// TestStore writes, reads, lists and deletes files, and leaves nothing half done.
func TestStore(t *testing.T) {
	s, folder := newStore(t)
	files := map[string]string{"a/1": "one", "a/2": "", "b/ü": "three"}
	for name, text := range files {
		if err := s.Put(t.Context(), name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		got, err := s.Read(t.Context(), name, 5)
		if err != nil || string(got) != text {
			t.Errorf("%s holds %q (%v), want %q", name, got, err, text)
		}
	}
	if _, err := s.Read(t.Context(), "b/ü", 4); err == nil {
		t.Error("a file that is larger than expected is read")
	}
	if _, err := s.Read(t.Context(), "a/3", 4); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	w, err := s.Create(ctx, "a/half")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write([]byte("ha"))
	cancel()
	if err := w.Close(); err == nil {
		t.Error("a file that was given up is kept")
	}
	if err := errors.Join(s.Delete(t.Context(), "a/2"), s.Delete(t.Context(), "a/2")); err != nil {
		t.Error(err)
	}
	var names []string
	if err := s.Walk(t.Context(), "a/", func(file File) error { names = append(names, file.Name); return nil }); err != nil {
		t.Error(err)
	}
	if !slices.Equal(names, []string{"a/1"}) {
		t.Errorf("there are %v", names)
	}
	info, err := os.Stat(folder)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v (%v)", info.Mode(), err)
	}
}

// TestCollect removes what is old and that nobody needs, and nothing else.
func TestCollect(t *testing.T) {
	s, folder := newStore(t)
	age := func(sum string, age time.Duration) {
		then := time.Now().Add(-age)
		if err := os.Chtimes(filepath.Join(folder, ContentName(sum)), then, then); err != nil {
			t.Fatal(err)
		}
	}
	for sum, old := range map[string]time.Duration{"aaold": 2 * Grace, "aaneeded": 2 * Grace, "bbnew": Grace / 2, "bbagain": 2 * Grace} {
		if err := s.PutContent(t.Context(), sum, []byte(sum)); err != nil {
			t.Fatal(err)
		}
		age(sum, old)
	}
	if err := s.PutContent(t.Context(), "bbagain", []byte("bbagain")); err != nil { // somebody is about to save it
		t.Fatal(err)
	}
	removed, err := s.Collect(t.Context(), time.Now(), func(_ context.Context, sums []string) (map[string]bool, error) {
		return map[string]bool{"aaneeded": true}, nil
	})
	if err != nil || removed != (Collected{Files: 1, Bytes: 5}) {
		t.Errorf("removed %+v, %v", removed, err)
	}
	left := make(map[string]bool)
	if err := s.Walk(t.Context(), "", func(file File) error { left[contentOf(file.Name)] = true; return nil }); err != nil {
		t.Error(err)
	}
	if want := map[string]bool{"aaneeded": true, "bbnew": true, "bbagain": true}; !maps.Equal(left, want) {
		t.Errorf("left are %v, want %v", left, want)
	}
}

// TestPutContentUntilSync: a file that has the name and the size of a picture, and not its
// bytes, as a power failure before Sync may leave it, is written anew.
func TestPutContentUntilSync(t *testing.T) {
	s, _ := newStore(t)
	picture := []byte("picture")
	const sum = "abcdef"
	for name, left := range map[string]string{"none": "", "zeros": "\x00\x00\x00\x00\x00\x00\x00", "long": "picture and more", "whole": "picture"} {
		t.Run(name, func(t *testing.T) {
			if err := s.Put(t.Context(), ContentName(sum), []byte(left)); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(s.PutContentUntilSync(t.Context(), sum, picture), s.Sync(t.Context())); err != nil {
				t.Fatal(err)
			}
			if data, err := s.Read(t.Context(), ContentName(sum), 100); err != nil || !bytes.Equal(data, picture) {
				t.Errorf("%q, %v", data, err)
			}
		})
	}
}

// TestWalkWhileWriting: files that are being written, and get their names, do not end a
// walk; those that were there before are all found, in order.
func TestWalkWhileWriting(t *testing.T) {
	s, _ := newStore(t)
	var before []string
	for n := range 300 {
		before = append(before, fmt.Sprintf("b/%02d/%03d", n%7, n))
	}
	slices.Sort(before)
	for _, name := range before {
		if err := s.put(t.Context(), name, false, nil); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	for writer := range 4 {
		writing.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				_ = s.put(ctx, fmt.Sprintf("b/%02d/new-%d-%d", n%7, writer, n%50), false, nil)
			}
		})
	}
	for range 50 {
		var found []string
		err := s.Walk(t.Context(), "b/", func(file File) error {
			if !strings.Contains(file.Name, "new") {
				found = append(found, file.Name)
			}
			return nil
		})
		if err != nil || !slices.Equal(found, before) {
			t.Fatalf("%d files (%v), want %d", len(found), err, len(before))
		}
	}
	stop()
	writing.Wait()
}

// TestWalkNames: a walk gives the names that files were written by, of those that begin
// with a prefix, whatever that ends with.
func TestWalkNames(t *testing.T) {
	s, _ := newStore(t)
	for _, name := range []string{"a/1", "a/ü-2", "ab/3", "c"} {
		if err := s.Put(t.Context(), name, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	for prefix, want := range map[string][]string{"": {"a/1", "a/ü-2", "ab/3", "c"}, "a": {"a/1", "a/ü-2", "ab/3"}, "a/": {"a/1", "a/ü-2"}, "a/ü": {"a/ü-2"}, "none/": nil} {
		var names []string
		if err := s.Walk(t.Context(), prefix, func(file File) error { names = append(names, file.Name); return nil }); err != nil {
			t.Error(err)
		}
		if !slices.Equal(names, want) {
			t.Errorf("%q: %q, want %q", prefix, names, want)
		}
	}
	s.local = false // as the library lists them
	var names []string
	if err := s.Walk(t.Context(), "", func(file File) error { names = append(names, file.Name); return nil }); err != nil || len(names) != 4 || names[1] != "a/ü-2" {
		t.Errorf("%q, %v", names, err)
	}
}

// BenchmarkWalk lists 20,000 files, beside the list of the library.
func BenchmarkWalk(b *testing.B) {
	s, err := OpenFolder(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	for n := range 20_000 {
		if err := s.put(b.Context(), ContentName(fmt.Sprintf("%02x%06d", n%256, n)), false, nil); err != nil {
			b.Fatal(err)
		}
	}
	for name, local := range map[string]bool{"walk": true, "library": false} {
		b.Run(name, func(b *testing.B) {
			s.local = local
			for range b.N {
				if err := s.Walk(b.Context(), contents, func(File) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
