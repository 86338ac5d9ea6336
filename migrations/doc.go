// Package migrations embeds the numbered SQL files of the catalogue, valid for
// SQLite and for Postgres, for goose to run.
package migrations
