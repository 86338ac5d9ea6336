package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// own are the names in a data folder that Polylens alone makes. What else lies there is
// somebody else's business, and so is what is a link.
var own = []string{
	"models", "runs", "thumbnails", "milvus", // folders
	"catalogue.db", "catalogue.db-wal", "catalogue.db-shm", "model.json", cardFile, LockFile,
}

// Tighten keeps other users out of what Polylens has made in a data folder: earlier
// versions, and other programs that copied it, left folders that everybody may read. It
// returns the names of what it has changed, and an error for each that it could not.
func Tighten(data string) (changed []string, err error) {
	root, err := os.OpenRoot(data)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	defer root.Close()
	for _, name := range own {
		done, one := tighten(root, name)
		if one != nil {
			err = errors.Join(err, fmt.Errorf("%s in the data folder %s can be reached by other users: %w: let its owner run chmod -R go= on it", name, data, one))
		}
		if done {
			changed = append(changed, name)
		}
	}
	return changed, err
}

func tighten(root *os.Root, name string) (done bool, err error) {
	info, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	mode := info.Mode()
	if !mode.IsDir() && !mode.IsRegular() || mode.Perm()&0o077 == 0 {
		return false, nil
	}
	err = root.Chmod(name, mode.Perm()&0o700)
	return err == nil, err
}
