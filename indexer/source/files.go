package source

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"polylens/internal/ordinary"
)

// files are those below a folder, by slash-separated names relative to it.
type files interface {
	ordinary.Folder
	io.Closer
}

// openFiles gives the files of a folder, without a way out of it unless links are
// followed.
func openFiles(ctx context.Context, folder string, followLinks bool) (files, error) {
	if followLinks {
		return anywhere(folder), nil
	}
	return ordinary.Root(ctx, folder)
}

// anywhere is a folder whose links may lead out of it.
type anywhere string

func (a anywhere) path(name string) string { return filepath.Join(string(a), filepath.FromSlash(name)) }

func (a anywhere) Stat(name string) (fs.FileInfo, error) { return os.Stat(a.path(name)) }

func (a anywhere) OpenFile(name string, flag int, mode fs.FileMode) (*os.File, error) {
	return os.OpenFile(a.path(name), flag, mode)
}

func (a anywhere) Close() error { return nil }

// Name is the path of the folder, as *os.Root has it.
func (a anywhere) Name() string { return string(a) }

// readDir lists a folder by name, and says which one it is.
func (w *walker) readDir(name string) ([]fs.DirEntry, folderID, error) {
	return ordinary.EntriesWith(w.ctx, w.files, name, idOf)
}

// isStill reports whether the folder of a name is the one that was looked into.
func (w *walker) isStill(name string, self folderID) bool {
	found, err := ordinary.Look(w.ctx, w.files, name, idOf)
	return err == nil && found == self
}

// stat follows links.
func (w *walker) stat(name string) (fs.FileInfo, error) {
	return ordinary.StatIn(w.ctx, w.files, name)
}

func (w *walker) path(name string) string { return filepath.Join(w.base, filepath.FromSlash(name)) }

func (w *walker) uri(name string) string { return fileURI(w.path(name)) }
