package main

import (
	"path/filepath"
)

// sharesDatabase reports whether other processes may use the catalogue too, because
// it lies outside the data folder, which this process holds.
func (g *globals) sharesDatabase() bool { return g.Database != "" }

// catalogueAt is the argument for database.Open.
func (g *globals) catalogueAt() string {
	if g.Database != "" {
		return g.Database
	}
	return filepath.Join(g.Data, "catalogue.db")
}
