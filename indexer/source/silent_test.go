package source

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"polylens/internal/patient"
)

// troubled are files of a folder of which one fails.
type troubled struct {
	files
	name string
	err  error
}

func (t troubled) Stat(name string) (fs.FileInfo, error) {
	if name == t.name {
		return nil, t.err
	}
	return t.files.Stat(name)
}

func (t troubled) OpenFile(name string, flag int, mode fs.FileMode) (*os.File, error) {
	if name == t.name {
		return nil, t.err
	}
	return t.files.OpenFile(name, flag, mode)
}

// TestLinkOfWhichNothingIsKnown: only of a link that surely leads nowhere is nothing
// found in its place.
func TestLinkOfWhichNothingIsKnown(t *testing.T) {
	silence := &patient.Left{For: time.Minute, Cause: patient.ErrSilent}
	for _, test := range []struct {
		err   error
		known bool
	}{
		{silence, false},
		{&patient.Left{Cause: patient.ErrSilent}, false},
		{syscall.EIO, false},
		{syscall.ENOTCONN, false},
		{syscall.EACCES, false},
		{syscall.ENOENT, true},
		{syscall.ELOOP, true},
		{syscall.ENOTDIR, true},
	} {
		folder := t.TempDir()
		write(t, folder, map[string]string{"elsewhere/a.png": "", "sub/b.png": ""})
		if err := os.Symlink("../elsewhere", filepath.Join(folder, "sub", "link")); err != nil {
			t.Fatal(err)
		}
		d, err := NewDirectoryWith(folder, Rules{FollowLinks: true})
		if err != nil {
			t.Fatal(err)
		}
		var problems []Problem
		entered := false
		w := &walker{visitor: Visitor{
			Problem: func(problem Problem) { problems = append(problems, problem) },
			Folder:  func(folder Entered) { entered = entered || strings.HasSuffix(folder.URI, "/link") },
		}}
		if err := d.walkIn(t.Context(), w, troubled{anywhere(folder), "sub/link", &fs.PathError{Op: "stat", Path: "sub/link", Err: test.err}}); err != nil {
			t.Fatal(err)
		}
		kind := map[bool]ProblemKind{true: ProblemLink, false: ProblemFile}[test.known]
		if len(problems) != 1 || problems[0].Kind != kind || !test.known && !errors.Is(problems[0].Err, test.err) || entered != test.known {
			t.Errorf("%v: told of %v; that nothing is there: %v, want %v", test.err, problems, entered, test.known)
		}
	}
}

// TestMetadataOfWhichNothingIsKnown: of a picture beside which something does not answer,
// it is said that there may be more; a folder whose rules do not answer is not looked into.
func TestMetadataOfWhichNothingIsKnown(t *testing.T) {
	silence := &patient.Left{For: time.Minute, Cause: patient.ErrSilent}
	for _, test := range []struct {
		name   string
		err    error
		unread []string
		told   int
		hidden []string
	}{
		{"sub/a.png.json", silence, []string{"sub/a.png"}, 3, nil},
		{"sub/a.xmp", syscall.EIO, []string{"sub/a.png"}, 3, nil},
		{"sub/a.txt", silence, []string{"sub/a.png"}, 3, nil},
		{"sub/metadata.csv", silence, []string{"sub/a.png", "sub/deep/b.png"}, 3, nil},
		{"other/metadata.parquet", silence, []string{"other/c.png"}, 3, nil},
		{"sub/metadata.csv", syscall.ENOENT, nil, 3, nil},
		{"sub/a.png.json", errors.New("it is a pipe"), nil, 3, nil},
		{"sub/.polylensignore", silence, nil, 1, []string{"sub"}},
		{"sub/.polylensignore", syscall.EIO, nil, 1, []string{"sub"}},
		{".polylensignore", silence, nil, 0, []string{""}},
	} {
		folder := t.TempDir()
		write(t, folder, map[string]string{
			"sub/a.png": "", "sub/deep/b.png": "", "other/c.png": "", "sub/a.png.json": "{}", "sub/a.xmp": "", "sub/a.txt": "",
			"sub/metadata.csv": "file_name\n", "other/metadata.parquet": "", "sub/.polylensignore": "", ".polylensignore": "",
		})
		d, err := NewDirectory(folder)
		if err != nil {
			t.Fatal(err)
		}
		var unread, hidden []string
		told := 0
		below := func(uri string) string { return strings.Trim(strings.TrimPrefix(uri, fileURI(folder)), "/") }
		w := &walker{visitor: Visitor{
			Item: func(item Item) error {
				told++
				if item.Unread {
					unread = append(unread, below(item.URI))
				}
				return nil
			},
			Problem: func(problem Problem) {
				if problem.Kind == ProblemFolder {
					hidden = append(hidden, below(problem.URI))
				}
			},
		}}
		if err := d.walkIn(t.Context(), w, troubled{anywhere(folder), test.name, &fs.PathError{Op: "open", Path: test.name, Err: test.err}}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(unread, test.unread) || !slices.Equal(hidden, test.hidden) || told != test.told {
			t.Errorf("%s, %v: unread of %q, want %q; hidden %q, want %q; %d pictures, want %d",
				test.name, test.err, unread, test.unread, hidden, test.hidden, told, test.told)
		}
	}
}
