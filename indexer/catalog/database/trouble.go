package database

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"polylens/indexer/catalog"
	"polylens/internal/disk"
)

// postgresFull is what Postgres calls a disk without room (disk_full), postgresDamaged
// the class of its reports of broken data.
const (
	postgresFull = "53100"
	// Two transactions in each other's way: deadlock_detected, serialization_failure, and
	// foreign_key_violation where a row was deleted between a query and its use.
	postgresDeadlock, postgresSerial, postgresReference = "40P01", "40001", "23503"
	postgresDamaged                                     = "XX001" // data_corrupted; index_corrupted is XX002
	postgresIndex                                       = "XX002"
)

// explain makes an error of the database one that callers look for, where it is
// one: disk.ErrFull or catalog.ErrDamaged.
func (s *Store) explain(err error) error {
	var fromFile *sqlite.Error
	var fromServer *pgconn.PgError
	switch {
	case err == nil || errors.Is(err, disk.ErrFull) || errors.Is(err, catalog.ErrDamaged):
		return err
	case errors.As(err, &fromFile):
		return explainSQLite(err, fromFile.Code(), s.path)
	case errors.As(err, &fromServer) && fromServer.Code == postgresFull:
		return fmt.Errorf("%w: the Postgres server has no room left: %w", disk.ErrFull, err)
	case errors.As(err, &fromServer) && (fromServer.Code == postgresDamaged || fromServer.Code == postgresIndex):
		return fmt.Errorf("%w: %w", catalog.ErrDamaged, err)
	}
	return err
}

// inTheWay reports whether Postgres gave up on a transaction because of another one.
func inTheWay(err error) bool {
	var fromServer *pgconn.PgError
	return errors.As(err, &fromServer) && slices.Contains([]string{postgresDeadlock, postgresSerial, postgresReference}, fromServer.Code)
}

// explainRead is explain where the file is not known.
func explainRead(err error) error {
	var fromFile *sqlite.Error
	if !errors.As(err, &fromFile) {
		return err
	}
	switch fromFile.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return &DamagedError{Reason: err.Error()}
	}
	return err
}

// explainSQLite goes by the extended code. That of a failed write, or of a file that
// cannot be made, does not say whether the disk was full.
func explainSQLite(err error, code int, path string) error {
	folder := filepath.Dir(path)
	switch code & 0xff {
	case sqlite3.SQLITE_FULL:
		free, statErr := disk.Free(folder)
		if statErr != nil {
			free = 0
		}
		return &disk.FullError{Folder: folder, Free: free, Needed: disk.Low, Err: err}
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
		return disk.ExplainBelow(err, folder, pages)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return &DamagedError{Path: path, Reason: err.Error()}
	}
	return err
}

// pages is the room that SQLite needs for next to nothing, in bytes: with less free, a
// write that failed has failed for it.
const pages = 1 << 20
