package replace

import (
	"fmt"
	"os"
	"path/filepath"
)

// Move gives a file or a folder another name on the same disk. A file of that name is
// replaced; a folder must not be there. It survives a power failure, and so does the
// content as far as it was flushed before.
func Move(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return fmt.Errorf("move %s: %w", from, err)
	}
	if err := SyncFolder(filepath.Dir(to)); err != nil || filepath.Dir(from) == filepath.Dir(to) {
		return err
	}
	return SyncFolder(filepath.Dir(from))
}
