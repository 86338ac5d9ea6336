package main

import (
	"errors"
	"path/filepath"

	"polylens/indexer/catalog/database"
)

// sharesDatabase tells whether other processes may use the catalogue, too: it lies
// outside the data folder, which this one holds.
func (p *program) sharesDatabase() bool { return p.globals.Database != "" }

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
