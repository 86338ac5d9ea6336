package hub

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"polylens/encoder/siglip2"
	"polylens/internal/lock"
	"polylens/internal/replace"
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
	if err := os.MkdirAll(models, 0o700); err != nil {
		return "", fmt.Errorf("unpacking %s: %w", BundledName, err)
	}
	if err := replaceLocked(bundle, dir); err != nil {
		return "", fmt.Errorf("unpacking %s into %s: %w", BundledName, models, err)
	}
	return dir, nil
}

// unpackPatience is how long to wait for another process that unpacks, which
// takes seconds.
const unpackPatience = 2 * time.Minute

// replaceLocked lets one process at a time unpack, and only if no other has
// done so meanwhile. The lock ends with the process that holds it.
func replaceLocked(bundle fs.FS, dir string) error {
	models := filepath.Dir(dir)
	ctx, cancel := context.WithTimeout(context.Background(), unpackPatience)
	defer cancel()
	held, err := lock.Wait(ctx, filepath.Join(models, ".lock"), nil)
	if err != nil {
		return err
	}
	defer held.Close()
	if matches(bundle, dir) == nil {
		return nil
	}
	if err := replace.SweepDirectory(dir); err != nil {
		return err
	}
	return replace.Directory(dir, 0o755, func(fresh string) error {
		if err := copyAll(bundle, fresh); err != nil {
			return err
		}
		return matches(bundle, fresh)
	})
}

func copyAll(bundle fs.FS, to string) error {
	return fs.WalkDir(bundle, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(bundle, name)
		if err != nil {
			return err
		}
		return replace.Durable(filepath.Join(to, name), content, replace.Shared)
	})
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
