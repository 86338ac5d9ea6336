package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"polylens/indexer/catalog"
)

// IsPostgres reports whether dsn is the URL of a Postgres database and not the path of
// a SQLite file.
func IsPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// PostgresVersion asks a Postgres database for its version and changes nothing. It
// also returns the parts of the URL that may be shown: host, port and name. Errors are
// those of Open.
func PostgresVersion(ctx context.Context, url string) (place, version string, err error) {
	config, err := parsePostgres(url)
	if err != nil {
		return "", "", err
	}
	db, err := connectPostgres(ctx, config)
	if err != nil {
		return placeOf(config), "", err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(ctx, reachLimit)
	defer cancel()
	if err := db.QueryRowContext(ctx, `SHOW server_version`).Scan(&version); err != nil {
		return placeOf(config), "", fmt.Errorf("ask Postgres for its version: %w", err)
	}
	return placeOf(config), version, nil
}

const (
	// idleLimit ends the transaction of a process that hangs in the middle of it,
	// long before the leases of the processes that wait for its locks end.
	idleLimit = "idle_in_transaction_session_timeout"
	// reachLimit is how long a server may take to answer at first.
	reachLimit = 15 * time.Second
)

func openPostgres(ctx context.Context, url string) (*Store, error) {
	config, err := parsePostgres(url)
	if err != nil {
		return nil, err
	}
	if config.RuntimeParams[idleLimit] == "" {
		config.RuntimeParams[idleLimit] = "5s"
	}
	db, err := connectPostgres(ctx, config)
	if err != nil {
		return nil, err
	}
	return &Store{read: db, write: db, now: time.Now}, nil
}

// parsePostgres leaves out why a URL is wrong: the reason may repeat a password
// that was not escaped.
func parsePostgres(url string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("the URL of the Postgres catalogue is %w: want postgres://USER:PASSWORD@HOST:PORT/NAME, "+
			"with characters such as / @ : # of the password written as %%2F %%40 %%3A %%23", catalog.ErrInvalid)
	}
	return config, nil
}

// connectPostgres opens a database whose server answers.
func connectPostgres(ctx context.Context, config *pgx.ConnConfig) (*sql.DB, error) {
	ctx, cancel := context.WithTimeout(ctx, reachLimit)
	defer cancel()
	db := stdlib.OpenDB(*config)
	err := db.PingContext(ctx)
	if err == nil {
		return db, nil
	}
	err = errors.Join(fmt.Errorf("connect to Postgres at %s: %w", placeOf(config), err), db.Close())
	var answered *pgconn.PgError
	if errors.As(err, &answered) && !strings.HasPrefix(answered.Code, "57") { // 57: it is starting or stopping
		return nil, fmt.Errorf("open the catalogue: %w", err)
	}
	return nil, fmt.Errorf("%w: is the server up, and the URL right? %w", catalog.ErrUnavailable, err)
}

// placeOf returns the parts of a URL that may be shown.
func placeOf(config *pgx.ConnConfig) string {
	return fmt.Sprintf("%s:%d/%s", config.Host, config.Port, config.Database)
}
