package indexer

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"polylens/indexer/source"
	"polylens/internal/ordinary"
)

// meanwhile is a source of which something happens while it is walked, or read.
type meanwhile struct {
	source.Source
	folder func(uri string)
	item   func(uri string)
	known  func()
	open   func(uri string)
}

func (m meanwhile) Walk(ctx context.Context, visitor source.Visitor) error {
	folder, item, known := visitor.Folder, visitor.Item, visitor.Known
	visitor.Folder = func(entered source.Entered) {
		if m.folder != nil {
			m.folder(entered.URI)
		}
		folder(entered)
	}
	visitor.Item = func(found source.Item) error {
		if m.item != nil {
			m.item(found.URI)
		}
		return item(found)
	}
	visitor.Known = func(ctx context.Context, items []source.Item) ([]string, error) {
		if m.known != nil {
			m.known()
		}
		return known(ctx, items)
	}
	return m.Source.Walk(ctx, visitor)
}

func (m meanwhile) Open(ctx context.Context, uri string) (*ordinary.File, error) {
	if m.open != nil {
		m.open(uri)
	}
	return m.Source.Open(ctx, uri)
}

// TestFilesThatChangeAfterTheWalk: what takes the place of a file between the walk and
// the read is not followed out of the folder, nor waited for, and the run goes on.
func TestFilesThatChangeAfterTheWalk(t *testing.T) {
	outside := t.TempDir()
	write(t, outside, map[string][]byte{"secret.png": picture(666)})
	for what, replace := range map[string]func(path string) error{
		"a link to a picture elsewhere":          func(path string) error { return os.Symlink(filepath.Join(outside, "secret.png"), path) },
		"a relative link to a picture elsewhere": func(path string) error { return os.Symlink("../"+filepath.Base(outside)+"/secret.png", path) },
		"a link to itself":                       func(path string) error { return os.Symlink(filepath.Base(path), path) },
		"a pipe":                                 func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a link to a device without an end":      func(path string) error { return os.Symlink("/dev/zero", path) },
		"a socket": func(path string) error {
			listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
			if err == nil {
				listener.SetUnlinkOnClose(false)
				err = listener.Close()
			}
			return err
		},
		"a folder": func(path string) error { return os.Mkdir(path, 0o755) },
		"nothing":  func(string) error { return nil },
	} {
		for _, known := range []bool{false, true} {
			b := newBench(t, Options{})
			if len(b.folder) > 80 {
				t.Fatalf("sockets have short paths only: %s", b.folder)
			}
			write(t, b.folder, map[string][]byte{"a.png": picture(1), "b.png": picture(2)})
			if known {
				b.run(t)
			}
			request := b.request(t)
			request.Rehash = true
			request.Source = meanwhile{Source: request.Source, item: func(uri string) {
				if path := filepath.Join(b.folder, "a.png"); strings.HasSuffix(uri, "/a.png") {
					removeAll(t, path)
					if err := replace(path); err != nil {
						t.Errorf("%s: %v", what, err)
					}
				}
			}}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			report, err := b.Run(ctx, request, nil)
			cancel()
			if err != nil || report.Failed != 1 {
				t.Errorf("%s, known %v: %d failed, %v", what, known, report.Failed, err)
			}
			images, err := b.store.Images(t.Context(), "c", b.rowIDs("c"))
			if err != nil {
				t.Fatal(err)
			}
			for _, image := range images {
				if image.SHA256 == sha(picture(666)) {
					t.Errorf("%s, known %v: %s was read from elsewhere", what, known, image.URI)
				}
			}
			b.wantMirror(t)
			b.run(t) // goes on, whatever is there now
		}
	}
}

// TestFolderMovedWhileItIsWalked: what was listed in it is not gone, and found again by
// the next run.
func TestFolderMovedWhileItIsWalked(t *testing.T) {
	for what, prepare := range map[string]func(m *meanwhile, move func()){
		"when it was listed": func(m *meanwhile, move func()) {
			m.folder = func(uri string) {
				if strings.HasSuffix(uri, "/album") {
					move()
				}
			}
		},
		"when its files are looked into": func(m *meanwhile, move func()) { m.known = move },
		"when its files are read":        func(m *meanwhile, move func()) { m.open = func(string) { move() } },
	} {
		for _, emptied := range []bool{false, true} {
			b := newBench(t, Options{})
			numbered(t, b.folder, "rest/%02d.png", 0, 100)
			numbered(t, b.folder, "album/%02d", 200, 10)
			wantCounts(t, what, b.run(t), counts{encoded: 110})
			album := filepath.Join(b.folder, "album")
			var once sync.Once
			report := b.runAs(t, func(r *Request) {
				m := meanwhile{Source: r.Source}
				prepare(&m, func() {
					once.Do(func() {
						if err := os.Rename(album, filepath.Join(b.folder, "moved")); err != nil {
							t.Error(err)
						}
						if emptied {
							if err := os.Mkdir(album, 0o755); err != nil {
								t.Error(err)
							}
						}
					})
				})
				r.Source, r.Rehash = m, true
			})
			if report.Removed != 0 || b.index.count("c") != 110 {
				t.Errorf("%s, emptied %v: %d removed, %d left", what, emptied, report.Removed, b.index.count("c"))
			}
			wantCounts(t, what+", the next run", b.run(t), counts{skipped: 100, reused: 10, removed: 10})
		}
	}
}

// TestTimesSetBack: a file that was changed and given its old size and time is seen to
// have changed.
func TestTimesSetBack(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": picture(1), "b.png": picture(2)})
	old := time.Now().Add(-48 * time.Hour)
	path := filepath.Join(b.folder, "a.png")
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	b.run(t)
	seed := 3
	for len(picture(seed)) != len(picture(1)) {
		seed++
	}
	write(t, b.folder, map[string][]byte{"a.png": picture(seed)})
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	wantCounts(t, "set back", b.run(t), counts{encoded: 1, skipped: 1})
	future := time.Now().Add(100 * 365 * 24 * time.Hour)
	for _, moment := range []time.Time{future, time.Unix(0, 0), time.Unix(-1<<31, 0)} {
		if err := os.Chtimes(path, moment, moment); err != nil {
			t.Fatal(err)
		}
		b.run(t)
		wantCounts(t, moment.String(), b.run(t), counts{skipped: 2})
	}
}

func sha(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }
