package blob

import (
	"context"
	"fmt"
)

// Sync returns once all that was written before outlives a power failure.
func (s *Store) Sync(ctx context.Context) error {
	if s.disk == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.disk.sync(); err != nil {
		return fmt.Errorf("flush the disk of %s: %w", s.what, err)
	}
	return nil
}
