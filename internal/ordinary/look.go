package ordinary

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"polylens/internal/patient"
)

// files makes all calls. The threads that they hold are the process's, which is why there
// is one for all; see package patient.
var files = patient.New(patient.Limits{Patience: 30 * time.Second, Grace: time.Second, PerFolder: 4, Total: 256, AtOnce: 1024})

// Unanswered is how many calls in this process have been left without an answer.
func Unanswered() int { return files.Unanswered() }

// call makes one call of the file system.
func call[T any](ctx context.Context, what, path string, ask func() (T, error), late func(T)) (T, error) {
	value, err := patient.Call(ctx, files, path, ask, late)
	if left := (*patient.Left)(nil); errors.As(err, &left) {
		err = &fs.PathError{Op: what, Path: path, Err: left}
	}
	return value, err
}

// Stat is os.Stat that does not wait for ever.
func Stat(path string) (fs.FileInfo, error) { return StatContext(context.Background(), path) }

// StatContext is Stat until ctx ends.
func StatContext(ctx context.Context, path string) (fs.FileInfo, error) {
	return StatIn(ctx, anywhere{}, path)
}

// StatIn is StatContext for a name below a folder.
func StatIn(ctx context.Context, folder Folder, name string) (fs.FileInfo, error) {
	return call(ctx, "stat", placeOf(folder, name), func() (fs.FileInfo, error) { return folder.Stat(name) }, nil)
}

// Lstat is os.Lstat that does not wait for ever.
func Lstat(path string) (fs.FileInfo, error) {
	return call(context.Background(), "lstat", path, func() (fs.FileInfo, error) { return os.Lstat(path) }, nil)
}

// Real is filepath.EvalSymlinks that does not wait for ever.
func Real(ctx context.Context, path string) (string, error) {
	return call(ctx, "lstat", path, func() (string, error) { return filepath.EvalSymlinks(path) }, nil)
}

// Root is os.OpenRoot that does not wait for ever.
func Root(ctx context.Context, path string) (*os.Root, error) {
	return call(ctx, "open", path, func() (*os.Root, error) { return os.OpenRoot(path) }, func(root *os.Root) { root.Close() })
}

// ReadDir is os.ReadDir that does not wait for ever.
func ReadDir(path string) ([]fs.DirEntry, error) {
	return Entries(context.Background(), anywhere{}, path)
}

// Listable is nil for a folder that can be listed.
func Listable(path string) error {
	folder, err := call(context.Background(), "open", path, func() (*os.File, error) {
		return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_DIRECTORY, 0)
	}, closeLate)
	if err == nil {
		go folder.Close()
	}
	return err
}

// manyEntries are asked for at once.
const manyEntries = 1000

// Entries lists a folder below another by name. Unlike fs.ReadDir it takes names that
// are not UTF-8. It does not wait for the writer of a pipe that has taken the folder's
// place.
func Entries(ctx context.Context, below Folder, name string) ([]fs.DirEntry, error) {
	entries, _, err := EntriesWith(ctx, below, name, func(*os.File) none { return none{} })
	return entries, err
}

// EntriesWith is Entries together with what look says of the folder that was listed.
func EntriesWith[T any](ctx context.Context, below Folder, name string, look func(*os.File) T) ([]fs.DirEntry, T, error) {
	var looked T
	place := placeOf(below, name)
	folder, err := openFolder(ctx, below, name)
	if err != nil {
		return nil, looked, err
	}
	defer func() { go folder.Close() }() // which waits for a call that was left
	entries, err := list(ctx, folder, place)
	if err != nil {
		return entries, looked, err
	}
	looked, err = call(ctx, "stat", place, func() (T, error) { return look(folder), nil }, nil)
	return entries, looked, err
}

// Look gives what look says of a folder below another.
func Look[T any](ctx context.Context, below Folder, name string, look func(*os.File) T) (T, error) {
	var looked T
	folder, err := openFolder(ctx, below, name)
	if err != nil {
		return looked, err
	}
	defer func() { go folder.Close() }()
	return call(ctx, "stat", placeOf(below, name), func() (T, error) { return look(folder), nil }, nil)
}

func openFolder(ctx context.Context, below Folder, name string) (*os.File, error) {
	return call(ctx, "open", placeOf(below, name), func() (*os.File, error) {
		return below.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	}, closeLate)
}

// list gives the entries of a folder by name.
func list(ctx context.Context, folder *os.File, place string) (all []fs.DirEntry, err error) {
	for err == nil {
		var some []fs.DirEntry
		some, err = call(ctx, "read", place, func() ([]fs.DirEntry, error) { return folder.ReadDir(manyEntries) }, nil)
		all = append(all, some...)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	slices.SortFunc(all, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return all, err
}

// works are longer than one call, and end by themselves when a file does not answer.
var works = patient.New(patient.Limits{Patience: 24 * time.Hour, Grace: time.Second, PerFolder: 16, Total: 64, AtOnce: 128})

// Within returns what work does with the files at a path, or the error of ctx soon after
// that ends: work that waits for a file which does not answer goes on until it has given
// that up. What work uses must be its own.
func Within[T any](ctx context.Context, path string, work func() (T, error)) (T, error) {
	value, err := patient.Call(ctx, works, path, work, nil)
	if left := (*patient.Left)(nil); errors.As(err, &left) {
		err = &fs.PathError{Op: "read", Path: path, Err: left}
	}
	return value, err
}
