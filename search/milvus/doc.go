// Package milvus keeps vectors in Milvus: the only importer of its SDK. It
// also runs the embedded standalone server as a supervised child. It knows
// neither pictures nor models, only collections, fingerprints and rows.
package milvus
