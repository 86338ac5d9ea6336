package source

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
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
