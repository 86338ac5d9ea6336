package migrations

import "embed"

// Files holds the migrations, one numbered file each. Every file is one text
// that SQLite and Postgres both accept; a released file never changes.
//
//go:embed *.sql
var Files embed.FS
