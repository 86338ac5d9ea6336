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
