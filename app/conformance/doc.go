// Package conformance asks of pictures of every kind whether Polylens sees what
// other programs see. Its tests decode files as indexing does, and compare what
// the model is given with the right picture of each file: by Pillow, upright, in
// sRGB, on white.
//
// The files are written by testdata/write_table.py, and the right pictures with them:
// some stand in testdata/small and are read by every “make test”, all of
// them are made and judged by “make conformance”, which prints the table of
// docs/measurements.md.
//
// It holds tests only. What formats are read, and how, is the business of
// indexer/decode.
package conformance
