// Package catalog holds the nouns of the catalogue: collections, images,
// captions, failures, jobs and runs, their states, and the errors that say what
// went wrong with them. It knows neither SQL nor HTTP and imports nothing of
// ours, so that every room may speak of them; package database below stores
// them.
package catalog
