package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/pressly/goose/v3"

	"polylens/migrations"
)

// Store is the catalogue. Its methods may be called from many goroutines.
//
// All SQL is one text for both databases: $1 placeholders, ON CONFLICT and
// BIGINT moments are understood by SQLite and Postgres alike.
type Store struct {
	read  *sql.DB
	write *sql.DB          // SQLite: exactly one connection, so writers queue here and not in the file
	now   func() time.Time // replaceable in tests
	path  string           // of the SQLite file; empty with Postgres
	runs  runWatchers
}

// Open opens the catalogue and brings its schema up to date. dsn is either a
// Postgres URL (postgres://...) or the path of a SQLite file, which is created
// together with its folder, readable by its owner alone; one that is broken is a
// DamagedError. A schema newer than
// this program knows is refused. A Postgres server that cannot be reached is
// catalog.ErrUnavailable. No error repeats the password of the URL.
func Open(ctx context.Context, dsn string) (*Store, error) {
	open, dialect := openSQLite, goose.DialectSQLite3
	if IsPostgres(dsn) {
		open, dialect = openPostgres, goose.DialectPostgres
	}
	s, err := open(ctx, dsn)
	if err != nil {
		return nil, err
	}
	if err := s.migrate(ctx, dialect, migrations.Files); err != nil {
		return nil, errors.Join(s.explain(err), s.Close())
	}
	return s, nil
}

// Close waits for running statements and closes the catalogue.
func (s *Store) Close() error {
	if s.isPostgres() {
		return s.write.Close()
	}
	return errors.Join(s.read.Close(), s.write.Close())
}

func (s *Store) isPostgres() bool { return s.read == s.write }

// Ping reports nil when the catalogue answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.read.PingContext(ctx); err != nil {
		return fmt.Errorf("catalogue does not answer: %w", err)
	}
	return nil
}

func openSQLite(ctx context.Context, path string) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open catalogue: %w", err)
	}
	if _, err := isNew(path); err != nil {
		return nil, fmt.Errorf("open catalogue: %w", err)
	}
	if err := createPrivate(path); err != nil {
		return nil, fmt.Errorf("open catalogue %s: %w", path, err)
	}
	write, err := openStatements(sqliteURL(path, false))
	if err != nil {
		return nil, fmt.Errorf("open catalogue %s: %w", path, err)
	}
	write.SetMaxOpenConns(1)
	read, err := openStatements(sqliteURL(path, true))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open catalogue %s: %w", path, err), write.Close())
	}
	read.SetMaxOpenConns(4)
	if err := checkOpened(ctx, write, path); err != nil {
		return nil, errors.Join(fmt.Errorf("open catalogue: %w", err), read.Close(), write.Close())
	}
	return &Store{read: read, write: write, now: time.Now, path: path}, nil
}

// createPrivate makes the file first, because SQLite would create it with the
// process' ordinary mode, readable by others.
func createPrivate(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

// sqliteURL sets the pragmas of every connection. Readers do not block in WAL
// mode. synchronous=FULL costs one fsync a transaction and keeps what was
// acknowledged also when the power fails: a lost transaction could leave rows
// in the index that the catalogue never heard of.
func sqliteURL(path string, readOnly bool) string {
	query := url.Values{"_pragma": {
		"busy_timeout(15000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
	}}
	if readOnly {
		query.Add("_pragma", "query_only(1)")
	} else {
		query.Set("_txlock", "immediate")
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String()
}

// exec runs one statement that writes.
func (s *Store) exec(ctx context.Context, statement string, args ...any) (sql.Result, error) {
	result, err := s.write.ExecContext(ctx, statement, args...)
	return result, s.explain(err)
}

// update runs do in one write transaction.
func (s *Store) update(ctx context.Context, do func(tx *sql.Tx) error) error {
	return s.explain(s.transact(ctx, do))
}

// mostRepeats bounds updateRepeatedly.
const mostRepeats = 10

// updateRepeatedly is update for what several processes do at once to the same rows: do is
// called again where Postgres gave up on one of two transactions that were in each other's
// way, or another has deleted what this one has just found.
func (s *Store) updateRepeatedly(ctx context.Context, do func(tx *sql.Tx) error) error {
	for repeats := 0; ; repeats++ {
		err := s.transact(ctx, do)
		if repeats == mostRepeats || !inTheWay(err) {
			return s.explain(err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(rand.N(time.Duration(repeats+1) * 20 * time.Millisecond)):
		}
	}
}

func (s *Store) transact(ctx context.Context, do func(tx *sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	defer tx.Rollback() // no effect after Commit
	if err := do(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit transaction: %w", err)
	}
	return nil
}

// querier is what *sql.DB and *sql.Tx have in common.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// each calls row for every row of the answer.
func each(ctx context.Context, db querier, row func(scan func(...any) error) error, query string, args ...any) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return explainRead(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return explainRead(rows.Err())
}

// maxList bounds the IN list of one statement.
const maxList = 500

// inList gives "$first, $first+1, ..." for the values, and the values as arguments. The
// last value stands there as often as it takes to make their number a power of two: lists
// of similar length then share a parsed statement.
func inList[T ~string](first int, values []T) (string, []any) {
	var list strings.Builder
	args := make([]any, sharedLength(len(values)))
	for i := range args {
		if i > 0 {
			list.WriteString(", ")
		}
		list.WriteString("$" + strconv.Itoa(first+i))
		args[i] = values[min(i, len(values)-1)]
	}
	return list.String(), args
}

// sharedLength is the smallest power of two that is at least n; 0 for 0.
func sharedLength(n int) int {
	if n == 0 {
		return 0
	}
	return 1 << bits.Len(uint(n-1))
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNanos(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}
