package database

import (
	"errors"
	"strings"
	"testing"

	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database/databasetest"
)

// TestPostgresVersionChangesNothing: a database that is asked for its version
// stays empty, and the parts of its URL that are shown say where it is.
func TestPostgresVersionChangesNothing(t *testing.T) {
	url := databasetest.Postgres(t)
	place, version, err := PostgresVersion(t.Context(), url)
	if err != nil || version == "" || !strings.Contains(place, "/polylens_test_") {
		t.Errorf("%q, %q, %v", place, version, err)
	}
	config, err := parsePostgres(url)
	if err != nil {
		t.Fatal(err)
	}
	db, err := connectPostgres(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var tables int
	if err := db.QueryRow(`SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'`).Scan(&tables); err != nil || tables != 0 {
		t.Errorf("%d tables, %v; want none", tables, err)
	}
}

func TestPostgresErrors(t *testing.T) {
	for url, want := range map[string]error{
		"postgres://u:se/cret@h/db":                       catalog.ErrInvalid,
		"postgres://u:secret@h:port/db":                   catalog.ErrInvalid,
		"postgres://u@h/db?sslmode=never&password=secret": catalog.ErrInvalid,
		"postgres://u:secret@127.0.0.1:1/db":              catalog.ErrUnavailable,
		"postgresql://u@127.0.0.1:1/db?password=secret":   catalog.ErrUnavailable,
	} {
		_, opened := Open(t.Context(), url)
		_, _, asked := PostgresVersion(t.Context(), url)
		for _, err := range []error{opened, asked} {
			if !errors.Is(err, want) || strings.Contains(err.Error(), "cret") {
				t.Errorf("%s: got %v, want %v without the password", url, err, want)
			}
		}
	}
}
