// Package indexer carries pictures from a source to rows in the catalogue and
// vectors in the index: decode, preprocess, encode, store, upsert. It declares
// the small interfaces of the encoder and the index that it needs and imports
// neither.
package indexer
