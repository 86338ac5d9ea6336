// Package databasetest gives tests an empty database of each kind. Only tests use it,
// in packages that call needs.Main.
package databasetest

import (
	"path/filepath"
	"testing"

	"polylens/internal/postgrestest"
)

// Each runs a test once for each argument of database.Open: the path of a SQLite file,
// and the URL of an empty Postgres database.
func Each(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t)) })
}

// SQLite is the path of a file that does not exist yet.
func SQLite(t testing.TB) string { return filepath.Join(t.TempDir(), "data", "catalog ?%.db") }

// Postgres is the URL of an empty database.
func Postgres(t testing.TB) string {
	t.Helper()
	return postgrestest.Database(t)
}
