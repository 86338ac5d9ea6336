package database

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
)

// TestStatements: statements are right when they are used again, while rows of the same
// one are read, after they failed, after the schema has changed under them, and when there
// are more than are kept.
func TestStatements(t *testing.T) {
	db, err := openStatements(sqliteURL(filepath.Join(t.TempDir(), "test.db"), false))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	exec := func(statement string, args ...any) error {
		_, err := db.ExecContext(t.Context(), statement, args...)
		return err
	}
	if err := exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE u (id INTEGER)`); err != nil {
		t.Fatal(err)
	}
	for i := range 2*mostStatements + 50 {
		if err := exec(fmt.Sprintf(`INSERT INTO t (id, name) VALUES ($1, $2) -- %d`, i%(mostStatements+20)), i, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	insert := `INSERT INTO t (id, name) VALUES ($1, $2)`
	if exec(insert, 1, "again") == nil || exec(insert, 1, "again") == nil {
		t.Error("one id is there twice")
	}
	if err := exec(insert, 1000, "new"); err != nil {
		t.Error(err)
	}
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	query := `SELECT id FROM t WHERE id < $1 ORDER BY id`
	outer, err := tx.QueryContext(t.Context(), query, 3)
	if err != nil {
		t.Fatal(err)
	}
	pairs := 0
	for outer.Next() {
		inner, err := tx.QueryContext(t.Context(), query, 5)
		if err != nil {
			t.Fatal(err)
		}
		for inner.Next() {
			pairs++
		}
		if err := errors.Join(inner.Err(), inner.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(outer.Err(), outer.Close(), tx.Commit()); err != nil || pairs != 15 {
		t.Errorf("%d pairs (%v), want 15", pairs, err)
	}
	if err := errors.Join(exec(`ALTER TABLE t ADD COLUMN more TEXT NOT NULL DEFAULT 'x'`), exec(`DROP TABLE u`)); err != nil {
		t.Error(err)
	}
	for _, want := range []int{3, 7} {
		count := 0
		rows, err := db.QueryContext(t.Context(), query, want)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			count++
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil || count != want {
			t.Errorf("%d rows (%v), want %d", count, err, want)
		}
	}
	var name, more string
	if err := db.QueryRowContext(t.Context(), `SELECT name, more FROM t WHERE id = $1`, 1000).Scan(&name, &more); err != nil || name != "new" || more != "x" {
		t.Errorf("got %q, %q (%v)", name, more, err)
	}
}

// BenchmarkStatements finds a row by a statement that is parsed once, and by one that is
// parsed each time.
func BenchmarkStatements(b *testing.B) {
	db, err := openStatements(sqliteURL(filepath.Join(b.TempDir(), "test.db"), false))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(b.Context(), `CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO t VALUES (1, 'a')`); err != nil {
		b.Fatal(err)
	}
	for name, query := range map[string]func(i int) string{
		"known":  func(int) string { return `SELECT name FROM t WHERE id IN ($1, $2, $3, $4)` },
		"parsed": func(i int) string { return fmt.Sprintf(`SELECT name FROM t WHERE id IN ($1, $2, $3, $4) -- %d`, i) },
	} {
		b.Run(name, func(b *testing.B) {
			for i := range b.N {
				var found string
				if err := db.QueryRowContext(b.Context(), query(i), 1, 2, 3, 4).Scan(&found); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
