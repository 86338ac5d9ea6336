package hub

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"polylens/internal/lock"
)

// locks is the folder below the models folder with a file for each model that
// is pulled or removed. The files stay, so that all processes lock the same one.
const locks = ".locks"

// lock waits until no other process pulls or removes the model. The kernel
// frees the lock with the process, however it ends.
func (s Store) lock(ctx context.Context, name string, waiting func()) (*lock.File, error) {
	folder := filepath.Join(s.Models, locks)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("models folder: %w", err)
	}
	file, err := lock.Wait(ctx, filepath.Join(folder, folderName(name)), waiting)
	if err != nil {
		return nil, fmt.Errorf("models folder: %w", err)
	}
	return file, nil
}
