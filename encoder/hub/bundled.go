package hub

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"polylens/encoder/siglip2"
)

// BundledName is the name of the model that the program carries.
const BundledName = "polylens-mini"

// ErrNotBundled says that this build carries no model.
var ErrNotBundled = errors.New("this build of polylens carries no model; point to a model directory with --model DIR")

//go:embed all:polylens-mini
var embedded embed.FS

// Bundled returns the directory of the bundled model below the models folder,
// unpacking it first when it is not there or not whole. The model appears under
// its name complete or not at all, whenever the process dies; several
// processes may call it at once.
func Bundled(models string) (string, error) {
	bundle, err := fs.Sub(embedded, BundledName)
	if err != nil {
		return "", err
	}
	return unpack(bundle, models)
}

func unpack(bundle fs.FS, models string) (string, error) {
	if _, err := fs.Stat(bundle, siglip2.ConfigFile); err != nil {
		return "", ErrNotBundled
	}
	dir, err := filepath.Abs(filepath.Join(models, BundledName))
	if err != nil || matches(bundle, dir) == nil {
		return dir, err
	}
	if err := os.MkdirAll(models, 0o755); err != nil {
		return "", fmt.Errorf("unpacking %s: %w", BundledName, err)
	}
	if err := replaceLocked(bundle, dir); err != nil {
		return "", fmt.Errorf("unpacking %s into %s: %w", BundledName, models, err)
	}
	return dir, nil
}

// replaceLocked lets one process at a time unpack, and only if no other has
// done so meanwhile. The lock ends with the process that holds it.
func replaceLocked(bundle fs.FS, dir string) error {
	models := filepath.Dir(dir)
	lock, err := os.OpenFile(filepath.Join(models, ".lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("locking %s: %w", lock.Name(), err)
	}
	if matches(bundle, dir) == nil {
		return nil
	}
	removeLeftovers(models)
	return replace(bundle, dir)
}

// replace writes the bundle beside dir, checks it and moves it into place.
func replace(bundle fs.FS, dir string) error {
	fresh, err := os.MkdirTemp(filepath.Dir(dir), leftover+"*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(fresh)
	content := filepath.Join(fresh, "new")
	if err := copyAll(bundle, content); err != nil {
		return err
	}
	if err := matches(bundle, content); err != nil {
		return err
	}
	err = os.Rename(dir, filepath.Join(fresh, "old"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(content, dir)
}

func copyAll(bundle fs.FS, to string) error {
	if err := os.Mkdir(to, 0o755); err != nil {
		return err
	}
	return fs.WalkDir(bundle, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(bundle, name)
		if err != nil {
			return err
		}
		return writeSynced(filepath.Join(to, name), content)
	})
}

// writeSynced writes a file through to the disk, so that no crash leaves it
// short once the folder has its name.
func writeSynced(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// matches compares every file of the bundle with the one in dir by its hash.
func matches(bundle fs.FS, dir string) error {
	return fs.WalkDir(bundle, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(bundle, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		digest, err := fileDigest(filepath.Join(dir, name))
		if err == nil && digest != hex.EncodeToString(sum[:]) {
			err = fmt.Errorf("%s is damaged", name)
		}
		return err
	})
}

// leftover starts the names of folders that unpacking works in.
const leftover = ".unpacking-"

// removeLeftovers clears what an interrupted unpacking left. It runs under the
// lock, so no process is at work in them.
func removeLeftovers(models string) {
	folders, _ := filepath.Glob(filepath.Join(escapeGlob(models), leftover+"*")) // the pattern is sound
	for _, folder := range folders {
		os.RemoveAll(folder)
	}
}
