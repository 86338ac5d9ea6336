package indexer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/source"
	"polylens/internal/ordinary"
	"polylens/internal/patient"
)

func (b *bench) pictures(t testing.TB) *Pictures {
	t.Helper()
	pictures, err := NewPictures(t.TempDir(), b.store, nil, testDecoder)
	if err != nil {
		t.Fatal(err)
	}
	return pictures
}

func TestOpenOriginal(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"ä b.png": wide(t)})
	b.run(t)
	images, _, err := b.store.ListImages(t.Context(), "c", "", 1)
	if err != nil || len(images) != 1 {
		t.Fatal(images, err)
	}
	pictures := b.pictures(t)
	original, err := pictures.open(t.Context(), "c", images[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	defer original.Close()
	data, err := io.ReadAll(original)
	if err != nil || !bytes.Equal(data, wide(t)) {
		t.Errorf("read %d bytes, %v", len(data), err)
	}
	if original.ContentType != "image/png" || original.Name != "ä b.png" || original.Size != int64(len(data)) {
		t.Errorf("got %+v", original)
	}
	if _, err := pictures.open(t.Context(), "c", "unknown"); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("unknown image: got %v, want ErrNotFound", err)
	}
	b.remove(t, "ä b.png")
	if _, err := pictures.open(t.Context(), "c", images[0].ID); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("file gone: got %v, want fs.ErrNotExist", err)
	}
}

// sameSize is another picture of as many bytes: what is behind its last block does not
// count.
func sameSize(t *testing.T, like []byte) []byte {
	t.Helper()
	other := picture(77)
	if len(other) > len(like) {
		t.Fatalf("%d bytes are not enough for another picture", len(like))
	}
	return append(other, make([]byte, len(like)-len(other))...)
}

// TestOnlyWhatWasIndexedIsServed: whatever takes the place of a picture, and however it
// is disguised, it is not shown.
func TestOnlyWhatWasIndexedIsServed(t *testing.T) {
	indexed := wide(t)
	for label, swap := range map[string]func(*testing.T, string){
		"another file of the same size and time": func(t *testing.T, path string) {
			disguised(t, path, sameSize(t, indexed))
		},
		"a longer file": func(t *testing.T, path string) { disguised(t, path, append(bytes.Clone(indexed), 0)) },
		"an empty file": func(t *testing.T, path string) { disguised(t, path, nil) },
		"a file that was moved there": func(t *testing.T, path string) {
			disguised(t, path+".new", sameSize(t, indexed))
			if err := os.Rename(path+".new", path); err != nil {
				t.Fatal(err)
			}
		},
		"a link to a file beside it": func(t *testing.T, path string) {
			write(t, filepath.Dir(path), map[string][]byte{"beside.txt": sameSize(t, indexed)})
			removeAll(t, path)
			link(t, filepath.Dir(path), map[string]string{"a.png": "beside.txt"})
		},
		"a link out of the source": func(t *testing.T, path string) {
			outside := t.TempDir()
			write(t, outside, map[string][]byte{"secret": sameSize(t, indexed)})
			removeAll(t, path)
			link(t, filepath.Dir(path), map[string]string{"a.png": filepath.Join(outside, "secret")})
		},
		"a link for its folder": func(t *testing.T, path string) { swapFolder(t, filepath.Dir(path), sameSize(t, indexed)) },
		"a link for the source": func(t *testing.T, path string) {
			swapFolder(t, filepath.Dir(filepath.Dir(path)), sameSize(t, indexed))
		},
		"a pipe": func(t *testing.T, path string) {
			if err := errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o644)); err != nil {
				t.Fatal(err)
			}
		},
		"a folder": func(t *testing.T, path string) {
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o755)); err != nil {
				t.Fatal(err)
			}
		},
		"a file for its folder": func(t *testing.T, path string) {
			if err := errors.Join(os.RemoveAll(filepath.Dir(path)), os.WriteFile(filepath.Dir(path), indexed, 0o644)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		for _, before := range []bool{false, true} { // whether it has been shown before
			t.Run(label, func(t *testing.T) {
				b := newBench(t, Options{})
				write(t, b.folder, map[string][]byte{"album/a.png": indexed})
				b.run(t)
				id := b.image(t, "album/a.png").ID
				pictures := b.pictures(t)
				if before {
					wantOriginal(t, pictures, id, indexed)
				}
				swap(t, filepath.Join(b.folder, "album", "a.png"))
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if original, err := pictures.Original(ctx, "c", id); !errors.Is(err, catalog.ErrChanged) {
					t.Errorf("original: got %+v, %v; want ErrChanged", original, err)
				}
				if made, err := pictures.Thumbnail(ctx, "c", id, 128); !errors.Is(err, catalog.ErrChanged) {
					t.Errorf("thumbnail: got %d bytes, %v; want ErrChanged", len(made.Data), err)
				}
			})
		}
	}
}

// disguised writes a file with the time that the one before it had.
func disguised(t *testing.T, path string, data []byte) {
	t.Helper()
	modified := time.Now()
	if info, err := os.Stat(path); err == nil {
		modified = info.ModTime()
	}
	if err := errors.Join(os.WriteFile(path, data, 0o644), os.Chtimes(path, modified, modified)); err != nil {
		t.Fatal(err)
	}
}

// swapFolder puts a link to a folder elsewhere, which has files of the same names, into
// the place of one.
func swapFolder(t *testing.T, folder string, data []byte) {
	t.Helper()
	elsewhere := t.TempDir()
	write(t, elsewhere, map[string][]byte{"a.png": data, "album/a.png": data})
	if err := errors.Join(os.Rename(folder, folder+".away"), os.Symlink(elsewhere, folder)); err != nil {
		t.Fatal(err)
	}
}

// TestUnopened: a file whose disk does not answer has not changed.
func TestUnopened(t *testing.T) {
	silent := &fs.PathError{Op: "open", Path: "a.png", Err: &patient.Left{For: time.Minute, Cause: patient.ErrSilent}}
	for err, changed := range map[error]bool{
		silent: false, &patient.Left{Cause: context.Canceled}: false, syscall.EIO: false, fs.ErrNotExist: false,
		ordinary.Err: true, syscall.ELOOP: true, syscall.ENOTDIR: true, errors.New("path escapes from parent"): true,
	} {
		if got := unopened(fmt.Errorf("open: %w", err)); errors.Is(got, catalog.ErrChanged) != changed || !errors.Is(got, err) {
			t.Errorf("%v: got %v", err, got)
		}
	}
}

func wantOriginal(t *testing.T, pictures *Pictures, id string, want []byte) {
	t.Helper()
	original, err := pictures.Original(t.Context(), "c", id)
	if err != nil {
		t.Fatal(err)
	}
	defer original.Close()
	if data, err := io.ReadAll(original); err != nil || !bytes.Equal(data, want) {
		t.Errorf("read %d bytes, %v; want %d", len(data), err, len(want))
	}
}

// TestTouchedPicturesAreServed: what was indexed is, wherever it lies now.
func TestTouchedPicturesAreServed(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": wide(t)})
	b.run(t)
	id, path := b.image(t, "a.png").ID, filepath.Join(b.folder, "a.png")
	pictures := b.pictures(t)
	later := time.Now().Add(time.Hour)
	for label, touch := range map[string]func() error{
		"another time": func() error { return os.Chtimes(path, later, later) },
		"other rights": func() error { return os.Chmod(path, 0o600) },
		"written anew": func() error { return errors.Join(os.Remove(path), os.WriteFile(path, wide(t), 0o644)) },
		"moved away, and a link to it": func() error {
			return errors.Join(os.Rename(path, path+".old"), os.Symlink("a.png.old", path))
		},
	} {
		if err := touch(); err != nil {
			t.Fatalf("%s: %v", label, err)
		}
		wantOriginal(t, pictures, id, wide(t))
	}
}

// TestVerdictsAreRemembered, but not of a file that changed a moment before: its next
// change may have the same time.
func TestVerdictsAreRemembered(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": wide(t)})
	b.run(t)
	id := b.image(t, "a.png").ID
	pictures := b.pictures(t)
	wantOriginal(t, pictures, id, wide(t))
	if n := pictures.verdicts.known.Len(); n != 0 {
		t.Errorf("%d verdicts about a file that has just changed", n)
	}
	deadline := time.Now().Add(time.Minute)
	for pictures.verdicts.known.Len() == 0 && time.Now().Before(deadline) {
		time.Sleep(100 * time.Millisecond)
		wantOriginal(t, pictures, id, wide(t))
	}
	if n := pictures.verdicts.known.Len(); n != 1 {
		t.Fatalf("%d verdicts", n)
	}
	// With the verdict the file is not read: were it, a deadline in the past would end it.
	file, err := ordinary.Open(filepath.Join(b.folder, "a.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pictures.verdicts.check(ended, file, b.image(t, "a.png")); err != nil {
		t.Errorf("it was read again: %v", err)
	}
	other := b.image(t, "a.png")
	other.SHA256 = "another"
	if _, err := pictures.verdicts.check(t.Context(), file, other); !errors.Is(err, catalog.ErrChanged) {
		t.Errorf("a verdict about another content: %v", err)
	}
	forgetful, err := newVerdicts()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := forgetful.check(ended, file, b.image(t, "a.png")); !errors.Is(err, context.Canceled) {
		t.Errorf("reading has no deadline: %v", err)
	}
}

func TestStamps(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	stamp := func(now time.Time) (source.Stamp, bool) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return source.StampOf(info, now)
	}
	later := time.Now().Add(time.Hour)
	write(t, filepath.Dir(path), map[string][]byte{"file": []byte("1234")})
	if _, ok := stamp(time.Now()); ok {
		t.Error("a file that has just changed has a stamp")
	}
	first, ok := stamp(later)
	if again, still := stamp(later); !ok || !still || again != first {
		t.Errorf("%+v, %v, then %+v, %v", first, ok, again, still)
	}
	time.Sleep(50 * time.Millisecond)
	disguised(t, path, []byte("5678"))
	if changed, ok := stamp(later); !ok || changed == first {
		t.Errorf("another content has the stamp %+v, %v", changed, ok)
	}
}

// BenchmarkOriginal opens an original of 8 MiB: for the first time, and again.
func BenchmarkOriginal(b *testing.B) {
	path := filepath.Join(b.TempDir(), "a")
	if err := os.WriteFile(path, make([]byte, 8<<20), 0o644); err != nil {
		b.Fatal(err)
	}
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, past, past); err != nil {
		b.Fatal(err)
	}
	file, err := ordinary.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	sum, _, err := digest(b.Context(), io.NewSectionReader(file, 0, 8<<20))
	if err != nil {
		b.Fatal(err)
	}
	image := catalog.Image{SHA256: sum, Size: 8 << 20}
	time.Sleep(3 * time.Second) // until its change is old enough to be remembered by
	known, err := newVerdicts()
	if err != nil {
		b.Fatal(err)
	}
	for label, fresh := range map[string]bool{"first": true, "again": false} {
		b.Run(label, func(b *testing.B) {
			b.SetBytes(8 << 20)
			for b.Loop() {
				if fresh {
					known.known.Purge()
				}
				if _, err := known.check(b.Context(), file, image); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
