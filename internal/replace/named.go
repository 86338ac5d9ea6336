package replace

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// DurableNamed makes a file, readable by its owner alone, whose path is known only once its
// content is: fill writes it, and returns the path, whose folder is there and on the same
// disk as folder. Until then it lies in folder, under a name that begins with a dot. A file
// that is there already is replaced. After an error of fill nothing is left.
func DurableNamed(folder string, fill func(io.Writer) (path string, err error)) error {
	fresh, err := os.CreateTemp(folder, ".named-")
	if err != nil {
		return fmt.Errorf("make a file in %s: %w", folder, err)
	}
	path, err := fill(fresh)
	if err == nil {
		err = fresh.Sync()
	}
	if err = errors.Join(err, fresh.Close()); err == nil {
		err = os.Rename(fresh.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("make a file in %s: %w", folder, err), os.Remove(fresh.Name()))
	}
	return SyncFolder(filepath.Dir(path))
}
