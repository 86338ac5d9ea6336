package main

import (
	"errors"
	"path/filepath"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
)

// sharesDatabase tells whether other processes may use the catalogue, too: it lies
// outside the data folder, which this one holds.
func (p *program) sharesDatabase() bool { return p.globals.Database != "" }

// runPatience is how long a run that is being trained may be silent before its
// process counts as gone. Who holds the data folder with the catalogue in it knows
// at once.
func (p *program) runPatience() time.Duration {
	if p.sharesDatabase() {
		return catalog.RunPatience
	}
	return 0
}

// catalogueAt is what database.Open takes.
func (p *program) catalogueAt() string {
	if p.globals.Database != "" {
		return p.globals.Database
	}
	return filepath.Join(p.globals.Data, "catalogue.db")
}

// checkDatabase refuses what is not the URL of a Postgres database. It may hold a
// password, so it is not repeated.
func (g *globals) checkDatabase() error {
	if g.Database == "" || database.IsPostgres(g.Database) {
		return nil
	}
	return usageError{errors.New("--database: want postgres://USER:PASSWORD@HOST:PORT/NAME, or nothing for the SQLite file in the data folder")}
}
