// Package search answers queries: it plans, asks the index, joins what the
// catalogue knows of the images, and pages. It declares the interfaces of the
// index, the catalogue and the encoder that it needs, in the nouns of
// indexer/catalog, and imports none of those who implement them.
package search
