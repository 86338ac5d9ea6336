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
	for range 2 {
		if exec(insert, 1, "again") == nil {
			t.Error("one id is there twice")
		}
	}
	if err := exec(insert, 1000, "new"); err != nil {
		t.Error(err)
	}
	query := `SELECT id FROM t WHERE id < $1 ORDER BY id`
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	pairs := 0
	each := func() { pairs += countRows(t, tx, nil, query, 5) }
	if rows := countRows(t, tx, each, query, 3); rows != 3 || pairs != 15 {
		t.Errorf("%d rows with %d pairs, want 3 with 15", rows, pairs)
	}
	if err := tx.Commit(); err != nil {
		t.Error(err)
	}
	if err := errors.Join(exec(`ALTER TABLE t ADD COLUMN more TEXT NOT NULL DEFAULT 'x'`), exec(`DROP TABLE u`)); err != nil {
		t.Error(err)
	}
	for _, want := range []int{3, 7} {
		if count := countRows(t, db, nil, query, want); count != want {
			t.Errorf("%d rows, want %d", count, want)
		}
	}
	var name, more string
	if err := db.QueryRowContext(t.Context(), `SELECT name, more FROM t WHERE id = $1`, 1000).Scan(&name, &more); err != nil || name != "new" || more != "x" {
		t.Errorf("got %q, %q (%v)", name, more, err)
	}
}

// countRows counts the rows of an answer, and calls row, unless it is nil, while it reads
// each.
func countRows(t *testing.T, db querier, row func(), query string, args ...any) (count int) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		count++
		if row != nil {
			row()
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return count
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
