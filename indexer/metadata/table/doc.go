// Package table reads the rows of Parquet files as the JSON objects that they stand
// for, one after the other and within bounds of memory: github.com/parquet-go reads
// them, after this package has seen that no count or size in the file claims more than
// the file holds or than a manifest needs.
package table
