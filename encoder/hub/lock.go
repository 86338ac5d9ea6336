package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// locks is the folder below the models folder with a file for each model that
// is pulled or removed. The files stay, so that all processes lock the same one.
const locks = ".locks"

// lock waits until no other process pulls or removes the model. The kernel
// frees the lock with the process, however it ends.
func (s Store) lock(ctx context.Context, name string, waiting func()) (*os.File, error) {
	folder := filepath.Join(s.Models, locks)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("models folder: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(folder, folderName(name)), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("models folder: %w", err)
	}
	for waited := false; ; waited = true {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return file, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", file.Name(), err), file.Close())
		}
		if !waited {
			waiting()
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), file.Close())
		case <-time.After(100 * time.Millisecond):
		}
	}
}
