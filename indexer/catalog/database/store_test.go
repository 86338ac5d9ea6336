package database

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/pressly/goose/v3"
	"go.uber.org/goleak"

	"polylens/indexer/catalog/database/databasetest"
	"polylens/internal/needs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(needs.Wrap(m)) }

// onEachDatabase runs a test on an empty catalogue of each kind.
func onEachDatabase(t *testing.T, test func(t *testing.T, s *Store)) {
	databasetest.Each(t, func(t *testing.T, dsn string) { test(t, mustOpen(t, dsn)) })
}

func mustOpen(t *testing.T, dsn string) *Store {
	t.Helper()
	s, err := Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestOpenAgainKeepsRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	first, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.CreateCollection(t.Context(), "demo", 0); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := mustOpen(t, path).Collection(t.Context(), "demo"); err != nil {
		t.Error(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("catalogue has mode %v, want 0600", info.Mode().Perm())
	}
}

func TestOpenManyAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			s, err := Open(context.Background(), path)
			if err != nil {
				t.Error(err)
				return
			}
			s.Close()
		})
	}
	group.Wait()
}

// TestMigrateManyAtOnce: each migration is done once, also one that a second time would
// change something again.
func TestMigrateManyAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	files := fstest.MapFS{}
	first := mustOpen(t, path)
	if _, err := first.write.Exec(`CREATE TABLE done (version INTEGER)`); err != nil {
		t.Fatal(err)
	}
	const known = 60
	for version := range known + 1 {
		statement := fmt.Sprintf("INSERT INTO done VALUES (%d)", version)
		if version%2 == 0 {
			statement = fmt.Sprintf("CREATE TABLE made%d (a INTEGER)", version)
		}
		files[fmt.Sprintf("%05d_a.sql", version+1)] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + statement + ";\n")}
	}
	var group sync.WaitGroup
	for _, s := range []*Store{mustOpen(t, path), mustOpen(t, path), mustOpen(t, path)} {
		group.Go(func() {
			if err := s.migrate(t.Context(), goose.DialectSQLite3, files); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	var rows, versions int
	if err := first.read.QueryRow(`SELECT count(*), count(DISTINCT version) FROM done`).Scan(&rows, &versions); err != nil || rows != versions || rows == 0 {
		t.Errorf("%d migrations were done %d times, %v", versions, rows, err)
	}
}

func TestOpenRefusesNewerSchema(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "catalog.db"))
	if _, err := s.write.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`); err != nil {
		t.Fatal(err)
	}
	err := s.migrate(t.Context(), goose.DialectSQLite3, fstest.MapFS{
		"00001_a.sql": {Data: []byte("-- +goose Up\nSELECT 1;\n")},
	})
	if err == nil || !strings.Contains(err.Error(), "newer Polylens") {
		t.Errorf("got %v, want a refusal that asks for a newer Polylens", err)
	}
}

func TestOpenNamesUnusablePath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("this is no database, but a text that is long enough"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path); err == nil {
		t.Error("a text file was accepted as catalogue")
	}
	if _, err := Open(t.Context(), filepath.Join(path, "below", "catalog.db")); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want an error that names the path", err)
	}
}

// The WAL-reset bug, which could corrupt a file with several connections, was
// fixed in SQLite 3.52.
func TestSQLiteVersion(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "catalog.db"))
	var version string
	if err := s.read.QueryRow("SELECT sqlite_version()").Scan(&version); err != nil {
		t.Fatal(err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil {
		t.Fatal(err)
	}
	if major == 3 && minor < 52 {
		t.Errorf("SQLite is %s, want 3.52 or newer", version)
	}
}

func TestMigrationsDownAndUp(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		dialect := goose.DialectSQLite3
		if s.isPostgres() {
			dialect = goose.DialectPostgres
		}
		provider, err := goose.NewProvider(dialect, s.write, migrationFiles())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := provider.DownTo(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		if _, err := provider.Up(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}
