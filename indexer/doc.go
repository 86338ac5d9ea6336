// Package indexer carries pictures from a source to rows in the catalogue and
// vectors in the index: decode, preprocess, encode, store, upsert. It declares
// the small interface of the encoder that it needs, and fills the index through
// search.Writer; it imports neither ONNX Runtime nor Milvus.
package indexer
