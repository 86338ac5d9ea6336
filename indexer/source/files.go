package source

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// files are those below a folder, by slash-separated names relative to it.
type files interface {
	// Stat follows links.
	Stat(name string) (fs.FileInfo, error)
	// OpenFile has the parameters of os.OpenFile.
	OpenFile(name string, flag int, mode fs.FileMode) (*os.File, error)
	Close() error
}

// openFiles gives the files of a folder, without a way out of it unless links are
// followed.
func openFiles(folder string, followLinks bool) (files, error) {
	if followLinks {
		return anywhere(folder), nil
	}
	return os.OpenRoot(folder)
}

// anywhere is a folder whose links may lead out of it.
type anywhere string

func (a anywhere) path(name string) string { return filepath.Join(string(a), filepath.FromSlash(name)) }

func (a anywhere) Stat(name string) (fs.FileInfo, error) { return os.Stat(a.path(name)) }

func (a anywhere) OpenFile(name string, flag int, mode fs.FileMode) (*os.File, error) {
	return os.OpenFile(a.path(name), flag, mode)
}

func (a anywhere) Close() error { return nil }

// readDir lists a folder by name, and says which one it is. Unlike fs.ReadDir it takes
// names that are not UTF-8. It does not wait for the writer of a pipe that has taken the
// folder's place.
func (w *walker) readDir(name string) ([]fs.DirEntry, folderID, error) {
	folder, err := w.openFolder(name)
	if err != nil {
		return nil, folderID{}, err
	}
	defer folder.Close()
	entries, err := folder.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, idOf(folder), err
}

func (w *walker) openFolder(name string) (*os.File, error) {
	return w.files.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// isStill reports whether the folder of a name is the one that was looked into.
func (w *walker) isStill(name string, self folderID) bool {
	folder, err := w.openFolder(name)
	if err != nil {
		return false
	}
	defer folder.Close()
	return idOf(folder) == self
}

func (w *walker) path(name string) string { return filepath.Join(w.base, filepath.FromSlash(name)) }

func (w *walker) uri(name string) string { return fileURI(w.path(name)) }
