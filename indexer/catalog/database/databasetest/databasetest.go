// Package databasetest gives tests an empty database of each kind. It is used by
// tests only.
package databasetest

import (
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // database/sql driver "pgx"
)

// Each runs a test with what database.Open takes: the path of a SQLite file, and,
// when POLYLENS_POSTGRES holds the URL of a server, an empty schema of Postgres.
func Each(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t)) })
}

// SQLite is the path of a file that is not there yet.
func SQLite(t testing.TB) string { return filepath.Join(t.TempDir(), "data", "catalog ?%.db") }

// Postgres is the URL of an empty schema. Without POLYLENS_POSTGRES it skips the
// test.
func Postgres(t testing.TB) string {
	t.Helper()
	server := os.Getenv("POLYLENS_POSTGRES")
	if server == "" {
		t.Skip("set POLYLENS_POSTGRES to the URL of a Postgres server to run this")
	}
	schema := fmt.Sprintf("test_%d", time.Now().UnixNano())
	admin, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Exec("CREATE SCHEMA " + schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec("DROP SCHEMA " + schema + " CASCADE"); err != nil {
			t.Error(err)
		}
		admin.Close()
	})
	parsed, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	query := parsed.Query()
	query.Set("search_path", schema)
	parsed.RawQuery = query.Encode()
	return parsed.String()
}
