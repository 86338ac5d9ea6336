// Package database keeps the catalogue in SQL, in SQLite or Postgres. It is the
// single source of truth: collections, images, captions, vectors by content and
// fingerprint, jobs, runs and their curves. The vector index can be rebuilt
// from it at any time. What it keeps is described by package catalog; what is
// done with it is the indexer's business.
package database
