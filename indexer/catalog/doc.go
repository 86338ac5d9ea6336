// Package catalog holds the nouns of the catalogue: collections, images,
// captions, failures, jobs and runs, their states, and the errors by
// which a store of them says what went wrong. It knows neither SQL nor HTTP and
// imports nothing of ours, so that every room may speak of them; they are kept
// by package database below.
package catalog
