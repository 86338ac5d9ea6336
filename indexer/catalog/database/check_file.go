package database

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// mostDamage is how much of the damage of one file SQLite lists.
const mostDamage = 20

// Damage lists what is wrong with a SQLite catalogue as a file: pages, and the indexes of
// its tables. A catalogue in Postgres gives nothing: that is its server's affair.
func (s *Store) Damage(ctx context.Context) ([]string, error) {
	if s.isPostgres() {
		return nil, nil
	}
	found, err := stringColumn(ctx, s.read, fmt.Sprintf(`PRAGMA integrity_check(%d)`, mostDamage))
	if err != nil {
		return nil, fmt.Errorf("check the catalogue: %w", s.explain(err))
	}
	return slices.DeleteFunc(found, func(line string) bool { return line == "ok" }), nil
}

// MendDamage makes the indexes of a SQLite catalogue anew, from its tables.
func (s *Store) MendDamage(ctx context.Context) error {
	if s.isPostgres() {
		return nil
	}
	if _, err := s.exec(ctx, `REINDEX`); err != nil {
		return fmt.Errorf("make the indexes of the catalogue anew: %w", err)
	}
	return nil
}

// Remedy says how the newest good backup takes the place of the catalogue, or that there
// is none.
func (s *Store) Remedy() string { return (&DamagedError{Path: s.path}).Remedy() }

// strayRow is a row that names another one which is not there.
type strayRow struct {
	table string
	row   int64
}

// StrayRows counts rows by table that belong to something that is not there, such as
// captions without an image. Neither database lets them arise; a SQLite file can be changed
// by others.
func (s *Store) StrayRows(ctx context.Context) (map[string]int, error) {
	counts := make(map[string]int)
	rows, err := s.strayRows(ctx, s.read)
	for _, stray := range rows {
		counts[stray.table]++
	}
	return counts, err
}

func (s *Store) strayRows(ctx context.Context, db querier) ([]strayRow, error) {
	if s.isPostgres() {
		return nil, nil
	}
	var found []strayRow
	err := each(ctx, db, func(scan func(...any) error) error {
		var stray strayRow
		var row sql.NullInt64
		var parent string
		var key int
		err := scan(&stray.table, &row, &parent, &key)
		stray.row = row.Int64
		found = append(found, stray)
		return err
	}, `PRAGMA foreign_key_check`)
	if err != nil {
		return nil, fmt.Errorf("look for rows that belong to nothing: %w", err)
	}
	return found, nil
}

// DropStrayRows removes what StrayRows counts. It changes only rows that are still stray.
func (s *Store) DropStrayRows(ctx context.Context) error {
	err := s.update(ctx, func(tx *sql.Tx) error {
		rows, err := s.strayRows(ctx, tx)
		if err != nil {
			return err
		}
		for _, stray := range rows {
			if err := keepStray(ctx, tx, stray); err != nil {
				return err
			}
			table := `"` + strings.ReplaceAll(stray.table, `"`, `""`) + `"`
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE rowid = $1`, stray.row); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("remove rows that belong to nothing: %w", err)
	}
	return nil
}

// keepStray remembers the content of an image that is about to be removed, like all others.
func keepStray(ctx context.Context, tx *sql.Tx, stray strayRow) error {
	if stray.table != "images" {
		return nil
	}
	return keepContents(ctx, tx, `rowid = $1`, stray.row)
}
