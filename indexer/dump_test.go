package indexer

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// dump writes down everything that two catalogues and indexes of equal content
// have in common: all but moments of writing.
func dump(t *testing.T, database string, index *fakeIndex) string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+database+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var text strings.Builder
	for _, query := range []string{
		`SELECT 'image', id, collection, source, uri, sha256, size, modified, width, height, format, color, metadata, digest FROM images ORDER BY 2`,
		`SELECT 'caption', image_id, position, language, text FROM captions ORDER BY 2, 3`,
		`SELECT 'vector', sha256, fingerprint, dimension, hex(fp16) FROM vectors ORDER BY 2, 3`,
		`SELECT 'indexed', image_id, fingerprint, digest FROM indexed ORDER BY 2, 3`,
		`SELECT 'tombstone', collection, fingerprint, image_id FROM tombstones ORDER BY 4`,
		`SELECT 'failure', collection, uri, source, kind, reason, size, modified FROM failures ORDER BY 3`,
		`SELECT 'collection', name, fingerprint FROM collections ORDER BY 2`,
		`PRAGMA integrity_check`, `PRAGMA foreign_key_check`,
	} {
		writeRows(t, db, query, &text)
	}
	for _, key := range slices.Sorted(maps.Keys(index.rows)) {
		for _, id := range slices.Sorted(maps.Keys(index.rows[key])) {
			row, err := json.Marshal(index.rows[key][id])
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(&text, "row", key, string(row))
		}
	}
	return text.String()
}

func writeRows(t *testing.T, db *sql.DB, query string, text *strings.Builder) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, targets := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(text, values...)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
