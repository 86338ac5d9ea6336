package setup

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"polylens/internal/lock"
)

// lock waits until no other process works on the item. The kernel frees the
// lock with the process, however it ends.
func (s *Setup) lock(ctx context.Context, item Item) (*lock.File, error) {
	folder := filepath.Join(s.options.Cache, "locks")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("cache folder: %w", err)
	}
	held, err := lock.Wait(ctx, filepath.Join(folder, item.Name), func() {
		s.options.Progress(Event{Item: item.Name, Stage: StageWait})
	})
	if err != nil {
		return nil, fmt.Errorf("cache folder: %w", err)
	}
	return held, nil
}
