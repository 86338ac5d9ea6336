package database

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
	gooselock "github.com/pressly/goose/v3/lock"

	"polylens/internal/lock"
)

// migrate brings the schema up to date. Of several processes one does so, and the others
// wait for it: what two have begun from the same version, one would do a second time.
func (s *Store) migrate(ctx context.Context, dialect goose.Dialect, files fs.FS) error {
	oneAtATime, err := s.migrationLock()
	if err != nil {
		return fmt.Errorf("migrate catalogue: %w", err)
	}
	provider, err := goose.NewProvider(dialect, s.write, files, goose.WithDisableGlobalRegistry(true), oneAtATime)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	current, known, err := provider.GetVersions(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("read catalogue version: %w", err)
	case current > known:
		return fmt.Errorf("catalogue has schema version %d, this program knows versions up to %d: use a newer Polylens", current, known)
	case current == known:
		return nil
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate catalogue from version %d to %d: %w", current, known, err)
	}
	return nil
}

// migrationLock is Postgres' own, or that of a file beside the SQLite file.
func (s *Store) migrationLock() (goose.ProviderOption, error) {
	if !s.isPostgres() {
		return goose.WithLocker(&fileLocker{path: s.path + "-migration.lock"}), nil
	}
	locker, err := gooselock.NewPostgresSessionLocker()
	if err != nil {
		return nil, err
	}
	return goose.WithSessionLocker(locker), nil
}

// migrationPatience is how long another process may take to migrate.
const migrationPatience = 5 * time.Minute

// fileLocker is a goose Locker for databases in files.
type fileLocker struct {
	path string
	held *lock.File
}

// Lock implements goose's Locker.
func (l *fileLocker) Lock(ctx context.Context, _ *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, migrationPatience)
	defer cancel()
	var err error
	l.held, err = lock.Wait(ctx, l.path, nil)
	return err
}

// Unlock implements goose's Locker.
func (l *fileLocker) Unlock(context.Context, *sql.DB) error { return l.held.Close() }
