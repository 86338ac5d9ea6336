package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Free returns how many bytes an ordinary user may still write in a folder or, if it
// does not exist yet, in the nearest folder above that does.
func Free(folder string) (uint64, error) {
	at := folder
	for {
		var stat unix.Statfs_t
		err := unix.Statfs(at, &stat)
		if err == nil {
			return uint64(stat.Bavail) * uint64(stat.Bsize), nil // their types differ between systems
		}
		if above := filepath.Dir(at); errors.Is(err, fs.ErrNotExist) && above != at {
			at = above
			continue
		}
		return 0, fmt.Errorf("free space of %s: %w", folder, err)
	}
}

// full is the number of free bytes below which a database may fail for lack of
// space: Milvus begins logs of 64 MiB.
const full = 128 << 20

// Explain adds to an error that the disk of a folder is all but full, if it is.
func Explain(err error, folder string) error {
	free, statErr := Free(folder)
	if statErr != nil || free >= full {
		return err
	}
	return fmt.Errorf("the disk of %s has only %d MB left, make room there: %w", folder, free/1e6, err)
}
