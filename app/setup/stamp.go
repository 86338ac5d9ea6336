package setup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"polylens/internal/ordinary"
)

// stampName lies in every complete folder of the cache.
const stampName = ".polylens-setup.json"

// stamp says what a folder held when it was complete, so that it is noticed if
// something was deleted from it, or a power cut emptied it.
type stamp struct {
	Package string `json:"package"`
	SHA256  string `json:"sha256"`
	Files   int    `json:"files"`
	Bytes   int64  `json:"bytes"`
}

func writeStamp(folder string, item Item, pkg Package) error {
	files, bytes, err := measure(folder)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(folder, item.Entry)); err != nil {
		return fmt.Errorf("%s holds no %s: %w", pkg.File, item.Entry, err)
	}
	data, err := json.Marshal(stamp{Package: pkg.Name + " " + pkg.Version, SHA256: pkg.SHA256, Files: files, Bytes: bytes})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, stampName), data, 0o644)
}

// checkStamp reports nil for a complete folder.
func checkStamp(folder string) error {
	data, err := ordinary.Read(filepath.Join(folder, stampName), 64<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("nothing in %s", folder)
	}
	if err != nil {
		return err
	}
	var want stamp
	if err := json.Unmarshal(data, &want); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(folder, stampName), err)
	}
	files, bytes, err := measure(folder)
	if err != nil {
		return err
	}
	if files != want.Files || bytes != want.Bytes {
		return fmt.Errorf("%s is damaged: %d files with %d bytes instead of %d with %d", folder, files, bytes, want.Files, want.Bytes)
	}
	return nil
}

// measure counts the regular files below folder, without the stamp.
func measure(folder string) (files int, bytes int64, err error) {
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || entry.Name() == stampName {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		files++
		bytes += info.Size()
		return nil
	})
	return files, bytes, err
}
