// Package database keeps the catalogue in SQL, in SQLite or Postgres. It is the
// single source of truth: collections, images, captions, vectors by content and
// fingerprint, jobs, runs and their curves. The vector index can be rebuilt
// from it at any time. Package catalog describes what it keeps; what is done
// with that is the indexer's business.
package database
