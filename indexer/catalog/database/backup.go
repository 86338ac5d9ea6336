package database

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"polylens/internal/disk"
	"polylens/internal/replace"
)

// When copies of a SQLite catalogue are made, and how many are kept.
const (
	backupEvery = 24 * time.Hour
	backupGrown = 20 * time.Minute // when the catalogue is more than twice as large as its newest copy
	keepBackups = 2
)

const (
	backupFolder = "backups" // beside the catalogue
	backupPrefix = "catalogue-"
	backupSuffix = ".db"
	backupTime   = "20060102T150405Z"
	backupPart   = ".part" // ends the name of one that is being made
)

// Backup is a copy of a SQLite catalogue, in one file that can take its place.
type Backup struct {
	Path  string
	Taken time.Time
	Bytes int64
}

// Backups lists the copies of the SQLite catalogue in a file, newest first. None are
// made of a Postgres catalogue, which has tools for that.
func Backups(path string) ([]Backup, error) {
	folder := filepath.Join(filepath.Dir(path), backupFolder)
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("backups of the catalogue: %w", err)
	}
	var found []Backup
	for _, entry := range entries {
		stamp, isOne := strings.CutPrefix(strings.TrimSuffix(entry.Name(), backupSuffix), backupPrefix)
		taken, err := time.Parse(backupTime, stamp)
		info, infoErr := entry.Info()
		if isOne && err == nil && infoErr == nil {
			found = append(found, Backup{Path: filepath.Join(folder, entry.Name()), Taken: taken, Bytes: info.Size()})
		}
	}
	slices.SortFunc(found, func(a, b Backup) int { return b.Taken.Compare(a.Taken) })
	return found, nil
}

// BackUp copies a SQLite catalogue if it is time, and removes all but the newest copies.
// Others read and write meanwhile. It returns nil if it is not time, if there is no
// collection, whose copy would only push out those of better days, or if the catalogue is
// in Postgres. A copy counts only once it has been checked and flushed to the disk.
func (s *Store) BackUp(ctx context.Context) (*Backup, error) {
	if s.isPostgres() {
		return nil, nil
	}
	made, err := Backups(s.path)
	if err != nil {
		return nil, err
	}
	size, err := s.bytes(ctx)
	if err != nil || !s.isDue(made, size) {
		return nil, err
	}
	if holds, err := s.holdsCollections(ctx); err != nil || !holds {
		return nil, err
	}
	backup, err := s.backUp(ctx, size)
	if err != nil {
		return nil, fmt.Errorf("back up the catalogue: %w", err)
	}
	return &backup, removeOld(append([]Backup{backup}, made...))
}

// isDue takes copies from the future for old ones: the clock has been set back.
func (s *Store) isDue(made []Backup, size int64) bool {
	if len(made) == 0 {
		return true
	}
	age := s.now().Sub(made[0].Taken)
	return age < 0 || age >= backupEvery || age >= backupGrown && size > 2*made[0].Bytes
}

func (s *Store) holdsCollections(ctx context.Context) (holds bool, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM collections)`).Scan(&holds)
	if err != nil {
		err = fmt.Errorf("look for collections: %w", err)
	}
	return holds, err
}

// bytes is the size of the catalogue without what waits in its log.
func (s *Store) bytes(ctx context.Context) (int64, error) {
	var pages, size int64
	err := cmp.Or(s.read.QueryRowContext(ctx, `PRAGMA page_count`).Scan(&pages), s.read.QueryRowContext(ctx, `PRAGMA page_size`).Scan(&size))
	if err != nil {
		return 0, fmt.Errorf("size of the catalogue: %w", err)
	}
	return pages * size, nil
}

func (s *Store) backUp(ctx context.Context, size int64) (Backup, error) {
	folder := filepath.Join(filepath.Dir(s.path), backupFolder)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return Backup{}, err
	}
	if err := errors.Join(removeParts(folder), disk.Check(folder, uint64(size)+disk.Low)); err != nil {
		return Backup{}, err
	}
	backup := Backup{Taken: s.now().UTC().Truncate(time.Second)}
	backup.Path = filepath.Join(folder, backupPrefix+backup.Taken.Format(backupTime)+backupSuffix)
	part := backup.Path + backupPart
	err := s.copyTo(ctx, part)
	if err == nil {
		err = checkFile(ctx, part)
	}
	if err == nil {
		err = replace.Move(part, backup.Path)
	}
	if err != nil {
		return Backup{}, errors.Join(s.explain(err), removeParts(folder))
	}
	info, err := os.Stat(backup.Path)
	if err == nil {
		backup.Bytes = info.Size()
	}
	return backup, err
}

func (s *Store) copyTo(ctx context.Context, path string) error { return copyFile(ctx, s.path, path) }

// Copy writes what the SQLite catalogue in a file holds at one moment into a new file, in
// which it looks for damage. Others read and write the catalogue meanwhile, also other
// processes.
func Copy(ctx context.Context, path, to string) error {
	err := copyFile(ctx, path, to)
	if err == nil {
		err = checkFile(ctx, to)
	}
	if err != nil {
		return fmt.Errorf("copy the catalogue %s: %w", path, (&Store{path: path}).explain(err))
	}
	return nil
}

// copyFile writes the copy as if it were vacuumed, and flushes it.
func copyFile(ctx context.Context, path, to string) error {
	private, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) // SQLite accepts one that is empty
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite", sqliteFile(path, "ro"))
	if err == nil {
		_, err = db.ExecContext(ctx, `VACUUM INTO $1`, to)
		err = errors.Join(err, db.Close())
	}
	return errors.Join(err, private.Sync(), private.Close())
}

// OpenReadOnly opens a SQLite catalogue that is there, of this program's version, to be
// read. Others may write it meanwhile.
func OpenReadOnly(path string) (*Store, error) {
	read, err := sql.Open("sqlite", sqliteFile(path, "ro"))
	if err != nil {
		return nil, err
	}
	write, err := sql.Open("sqlite", sqliteFile(path, "ro"))
	if err != nil {
		return nil, errors.Join(err, read.Close())
	}
	return &Store{read: read, write: write, now: time.Now, path: path}, nil
}

func removeParts(folder string) error {
	parts, err := filepath.Glob(filepath.Join(folder, backupPrefix+"*"+backupPart+"*")) // with what SQLite puts beside them
	for _, part := range parts {
		err = errors.Join(err, os.Remove(part))
	}
	return err
}

func removeOld(made []Backup) error {
	var err error
	for _, old := range made[min(len(made), keepBackups):] {
		err = errors.Join(err, os.Remove(old.Path))
	}
	return err
}
