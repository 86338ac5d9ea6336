package indexer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/source"
	"polylens/internal/patient"
)

func (b *bench) fill(t *testing.T, number int) {
	t.Helper()
	files := make(map[string][]byte)
	for i := range number {
		files[fmt.Sprintf("%02d.png", i)] = picture(i)
	}
	write(t, b.folder, files)
	b.run(t)
}

// TestRemovalIsWithheld: a folder of which too much is gone keeps all its images, until
// somebody says that it is meant so.
func TestRemovalIsWithheld(t *testing.T) {
	none, little, all := 0.0, 0.05, 1.0
	for _, test := range []struct {
		what          string
		before, after int
		share         *float64
		withheld      bool
	}{
		{"a single deleted picture", 2, 1, nil, false},
		{"the last picture", 1, 0, nil, true},
		{"an empty folder", 20, 0, nil, true},
		{"a quarter", 44, 33, nil, false},
		{"more than a quarter", 44, 32, nil, true},
		{"half of a small folder", 20, 10, nil, true},
		{"half of a handful", 8, 4, nil, true},
		{"a few, though a large share", 4, 1, nil, false},
		{"a few, more than a chosen share", 8, 5, &little, true},
		{"a single picture, though a large share", 3, 2, nil, false},
		{"a single picture, more than a chosen share", 10, 9, &little, true},
		{"more than nothing", 44, 33, &none, true},
		{"any share", 44, 1, &all, false},
		{"any share of an empty folder", 20, 0, &all, true},
	} {
		t.Run(test.what, func(t *testing.T) {
			b := newBench(t, Options{})
			b.fill(t, test.before)
			for i := test.after; i < test.before; i++ {
				b.remove(t, fmt.Sprintf("%02d.png", i))
			}
			write(t, b.folder, map[string][]byte{"new.txt": nil})
			request := b.request(t)
			request.MaxRemovedShare = test.share
			report, err := b.Run(t.Context(), request, nil)
			if errors.Is(err, ErrRemovalWithheld) != test.withheld || !test.withheld && err != nil {
				t.Fatalf("got %v, withheld is to be %v", err, test.withheld)
			}
			want := test.after
			if test.withheld {
				want = test.before
				if report.Withheld != test.before-test.after || !strings.Contains(err.Error(), "--confirm-removal") {
					t.Errorf("withheld %d, want %d; %v", report.Withheld, test.before-test.after, err)
				}
			}
			if got := b.index.count("c"); got != want {
				t.Errorf("%d images are left, want %d", got, want)
			}
			b.wantMirror(t)
			confirmed := b.runAs(t, func(r *Request) { r.ConfirmRemoval = true })
			if got := b.index.count("c"); got != test.after || confirmed.Withheld != 0 {
				t.Errorf("confirmed: %d images are left, %d withheld, want %d, 0", got, confirmed.Withheld, test.after)
			}
		})
	}
}

// TestEmptiedFoldersAreWithheld: a folder that is there and has no picture in it any more may
// be one whose disk is not mounted, however few of all pictures it held.
func TestEmptiedFoldersAreWithheld(t *testing.T) {
	all := 1.0
	for _, test := range []struct {
		what     string
		change   func(t *testing.T, folder string)
		share    *float64
		withheld int
	}{
		{"one of many folders is empty", emptied("disk"), nil, 5},
		{"a folder of folders is empty", emptied("outer"), nil, 6},
		{"the folders in a folder are empty", func(t *testing.T, folder string) {
			emptied("outer/a")(t, folder)
			emptied("outer/b")(t, folder)
		}, nil, 6},
		{"whatever share may go", emptied("disk"), &all, 5},
		{"few pictures", emptied("few"), nil, 0},
		{"a folder is gone", func(t *testing.T, folder string) { removeAll(t, filepath.Join(folder, "disk")) }, nil, 0},
		{"a folder is replaced by a file", func(t *testing.T, folder string) {
			removeAll(t, filepath.Join(folder, "disk"))
			write(t, folder, map[string][]byte{"disk": []byte("text")})
		}, nil, 0},
		{"a folder has a text left", leftWith("disk", "notes.txt"), nil, 5},
		{"a folder has what a Mac leaves", leftWith("disk", ".DS_Store"), nil, 5},
		{"a folder has what Windows leaves", leftWith("disk", "Thumbs.db"), nil, 5},
		{"a folder has what a file system leaves", leftWith("disk", "lost+found/1"), nil, 5},
		{"a folder has a folder of a program", leftWith("disk", ".stfolder/marker.txt"), nil, 5},
		{"a folder of folders has a text left", leftWith("outer", "b/c/notes.txt"), nil, 6},
		{"a folder has a picture left", func(t *testing.T, folder string) {
			for i := range 4 {
				removeAll(t, filepath.Join(folder, fmt.Sprintf("disk/%d.png", i+1)))
			}
		}, nil, 0},
		{"a folder has a picture left in a folder", func(t *testing.T, folder string) {
			for i := range 4 {
				removeAll(t, filepath.Join(folder, fmt.Sprintf("disk/%d.png", i+1)))
			}
			if err := os.MkdirAll(filepath.Join(folder, "disk/sorted"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(filepath.Join(folder, "disk/5.png"), filepath.Join(folder, "disk/sorted/5.png")); err != nil {
				t.Fatal(err)
			}
		}, nil, 0},
		{"its pictures were moved", func(t *testing.T, folder string) {
			if err := os.Rename(filepath.Join(folder, "disk"), filepath.Join(folder, "sorted")); err != nil {
				t.Fatal(err)
			}
			emptied("disk")(t, folder)
		}, nil, 0},
	} {
		t.Run(test.what, func(t *testing.T) {
			b := newBench(t, Options{})
			files := map[string][]byte{}
			for i := range 100 {
				files[fmt.Sprintf("rest/%02d.png", i)] = picture(i)
			}
			for i, name := range []string{"disk/1", "disk/2", "disk/3", "disk/4", "disk/5", "outer/a/1", "outer/a/2", "outer/a/3", "outer/b/1", "outer/b/2", "outer/b/3", "few/1", "few/2", "few/3"} {
				files[name+".png"] = picture(200 + i)
			}
			write(t, b.folder, files)
			b.run(t)
			test.change(t, b.folder)
			request := b.request(t)
			request.MaxRemovedShare = test.share
			report, err := b.Run(t.Context(), request, nil)
			if errors.Is(err, ErrRemovalWithheld) != (test.withheld > 0) || report.Withheld != test.withheld || test.withheld == 0 && err != nil {
				t.Fatalf("got %v, %d withheld, want %d", err, report.Withheld, test.withheld)
			}
			if test.withheld > 0 && !strings.Contains(err.Error(), "empty") {
				t.Errorf("no reason: %v", err)
			}
			b.wantMirror(t)
			report = b.runAs(t, func(r *Request) { r.ConfirmRemoval = true })
			if report.Withheld != 0 || report.Removed != test.withheld {
				t.Errorf("confirmed: %d removed, %d withheld", report.Removed, report.Withheld)
			}
		})
	}
}

// emptied leaves nothing but the folder itself.
func emptied(name string) func(*testing.T, string) {
	return func(t *testing.T, folder string) {
		t.Helper()
		removeAll(t, filepath.Join(folder, name))
		if err := os.MkdirAll(filepath.Join(folder, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// leftWith leaves nothing in a folder but one file.
func leftWith(name, file string) func(*testing.T, string) {
	return func(t *testing.T, folder string) {
		t.Helper()
		emptied(name)(t, folder)
		write(t, folder, map[string][]byte{filepath.Join(name, file): nil})
	}
}

func removeAll(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// TestMovedPicturesAreNotMissed: when most pictures lie elsewhere in the folder now,
// nobody needs to confirm that.
func TestMovedPicturesAreNotMissed(t *testing.T) {
	b := newBench(t, Options{})
	b.fill(t, 20)
	for i := range 15 {
		name := fmt.Sprintf("%02d.png", i)
		write(t, b.folder, map[string][]byte{"moved/" + name: picture(i)})
		b.remove(t, name)
	}
	wantCounts(t, "moved", b.run(t), counts{reused: 15, skipped: 5, removed: 15})
	for i := range 15 { // some of them moved, most of them gone
		name := fmt.Sprintf("moved/%02d.png", i)
		if i%3 == 0 {
			write(t, b.folder, map[string][]byte{strings.TrimPrefix(name, "moved/"): picture(i)})
		}
		b.remove(t, name)
	}
	report, err := b.Run(t.Context(), b.request(t), nil)
	if !errors.Is(err, ErrRemovalWithheld) || report.Withheld != 10 || report.Reused != 5 {
		t.Errorf("got %v, %d withheld, %d reused; want 10, 5", err, report.Withheld, report.Reused)
	}
}

// TestWithheldRunDoesAllElse: new pictures are indexed.
func TestWithheldRunDoesAllElse(t *testing.T) {
	b := newBench(t, Options{})
	b.fill(t, 20)
	if err := os.RemoveAll(b.folder); err != nil {
		t.Fatal(err)
	}
	write(t, b.folder, map[string][]byte{"new.png": picture(100)})
	if _, err := b.Run(t.Context(), b.request(t), nil); !errors.Is(err, ErrRemovalWithheld) {
		t.Errorf("got %v", err)
	}
	if b.image(t, "new.png").ID == "" || b.index.count("c") != 21 {
		t.Errorf("%d images", b.index.count("c"))
	}
}

// TestDamagedPicturesAreNotVanished: they are seen, and named.
func TestDamagedPicturesAreNotVanished(t *testing.T) {
	b := newBench(t, Options{})
	b.fill(t, 2)
	write(t, b.folder, map[string][]byte{"00.png": []byte("no picture"), "01.png": []byte("nor this")})
	report := b.run(t)
	wantCounts(t, "damaged", report, counts{failed: 2, removed: 2})
	wantCounts(t, "still damaged", b.run(t), counts{failed: 2})
}

// TestReturningPicturesAreNotEncoded: what was removed comes back from the vectors that
// were kept, also when the whole collection was deleted.
func TestReturningPicturesAreNotEncoded(t *testing.T) {
	b := newBench(t, Options{})
	b.fill(t, 3)
	away := filepath.Join(t.TempDir(), "away")
	for _, remove := range []func(){
		func() { b.runAs(t, func(r *Request) { r.ConfirmRemoval = true }) },
		func() {
			if err := b.DeleteCollection(t.Context(), "c"); err != nil {
				t.Fatal(err)
			}
		},
	} {
		if err := os.Rename(b.folder, away); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(b.folder, 0o755); err != nil {
			t.Fatal(err)
		}
		remove()
		if err := os.Remove(b.folder); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(away, b.folder); err != nil {
			t.Fatal(err)
		}
		wantCounts(t, "back again", b.run(t), counts{reused: 3})
		if image := b.image(t, "00.png"); image.Width != fakeDimension || image.Format != "png" || image.Color == "" {
			t.Errorf("got %+v", image)
		}
	}
	if b.encoder.encoded() != 3 {
		t.Errorf("%d pictures were encoded, want 3", b.encoder.encoded())
	}
}

// failingSource finds an error of the system where a picture was.
type failingSource struct {
	source.Source
	name string
	err  error
}

func (s failingSource) Walk(ctx context.Context, visitor source.Visitor) error {
	item := visitor.Item
	visitor.Item = func(found source.Item) error {
		if !strings.HasSuffix(found.URI, s.name) {
			return item(found)
		}
		visitor.Problem(source.Problem{URI: found.URI, Err: &fs.PathError{Op: "statat", Path: s.name, Err: s.err}})
		return nil
	}
	return s.Source.Walk(ctx, visitor)
}

// TestErrorsOfTheDiskRemoveNothing: a picture is gone when the system says that it is
// not there, not when the system cannot tell.
func TestErrorsOfTheDiskRemoveNothing(t *testing.T) {
	silence, notAsked := &patient.Left{For: time.Minute, Cause: patient.ErrSilent}, &patient.Left{Cause: patient.ErrSilent}
	for failure, removed := range map[error]int{
		syscall.EIO: 0, syscall.ESTALE: 0, syscall.ENOTCONN: 0, syscall.EACCES: 0, syscall.ETIMEDOUT: 0, syscall.ENOENT: 1,
		silence: 0, notAsked: 0,
	} {
		b := newBench(t, Options{})
		b.fill(t, 2)
		report := b.runAs(t, func(r *Request) { r.Source = failingSource{r.Source, "/01.png", failure} })
		if report.Removed != removed || len(report.Warnings) != 1 || b.index.count("c") != 2-removed {
			t.Errorf("%v: %d removed, %d warnings, %d left; want %d removed", failure, report.Removed, len(report.Warnings), b.index.count("c"), removed)
		}
	}
}

// TestLinksThatDoNotAnswer: what lies behind a link of which nothing is known stays, and
// so does what is known of the link.
func TestLinksThatDoNotAnswer(t *testing.T) {
	b, elsewhere := linked(t)
	follow := b.following(t)
	silent := func(r *Request) {
		follow(r)
		r.Source = unreadableFolder{r.Source, "/away", source.ProblemFile, &patient.Left{Cause: patient.ErrSilent}}
	}
	report := b.runAs(t, silent)
	if report.Removed != 0 || report.Files.Missed() != 1 || b.index.count("c") != 105 {
		t.Errorf("%d removed, %d missed, %d left", report.Removed, report.Files.Missed(), b.index.count("c"))
	}
	b.wantMirror(t)
	numbered(t, elsewhere, "second/x%d.png", 300, 9)
	lead(t, filepath.Join(b.folder, "away"), filepath.Join(elsewhere, "second"))
	b.wantWithheld(t, 5, "another folder", follow)
}

func TestRequestWithBadShare(t *testing.T) {
	b := newBench(t, Options{})
	for _, share := range []float64{-0.1, 1.1} {
		request := b.request(t)
		request.MaxRemovedShare = &share
		if _, err := b.Run(t.Context(), request, nil); !errors.Is(err, catalog.ErrInvalid) {
			t.Errorf("share %v: got %v, want ErrInvalid", share, err)
		}
	}
}

// TestLinksToNowhereAreWithheld: where links are followed, the disk behind one may not be
// mounted.
func TestLinksToNowhereAreWithheld(t *testing.T) {
	b := newBench(t, Options{})
	elsewhere := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(elsewhere, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		write(t, b.folder, map[string][]byte{fmt.Sprintf("rest/%02d.png", i): picture(i)})
	}
	for i := range 5 {
		write(t, elsewhere, map[string][]byte{fmt.Sprintf("%d.png", i): picture(200 + i)})
	}
	link(t, b.folder, map[string]string{"away": elsewhere})
	directory, err := source.NewDirectoryWith(b.folder, source.Rules{FollowLinks: true})
	if err != nil {
		t.Fatal(err)
	}
	follow := func(r *Request) { r.Source = directory }
	wantCounts(t, "followed", b.runAs(t, follow), counts{encoded: 105})
	removeAll(t, elsewhere)
	request := b.request(t)
	follow(&request)
	report, err := b.Run(t.Context(), request, nil)
	if !errors.Is(err, ErrRemovalWithheld) || report.Withheld != 5 {
		t.Errorf("the link leads nowhere: %v, %d withheld", err, report.Withheld)
	}
	b.wantMirror(t)
}
