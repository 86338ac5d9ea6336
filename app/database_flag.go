package main

import (
	"path/filepath"
)

// sharesDatabase tells whether other processes may use the catalogue, too: it lies
// outside the data folder, which this one holds.
func (g *globals) sharesDatabase() bool { return g.Database != "" }

// catalogueAt is what database.Open takes.
func (g *globals) catalogueAt() string {
	if g.Database != "" {
		return g.Database
	}
	return filepath.Join(g.Data, "catalogue.db")
}
