// Package backup copies what a data folder holds that cannot be made again, while it is in
// use, and brings it back: the catalogue, the pictures that clients have sent, the lines of
// pushes that are to be done, and models. The vector index is none of it: it is filled from
// the catalogue.
//
// A folder of backups holds files by the SHA-256 of their bytes, each once however many
// backups have it, and a manifest for each backup that names them:
//
//	DIR/files/ab/abcdef…
//	DIR/backups/20261130T120000Z.manifest
//
// The manifest is written last, so a backup that did not come to its end is none.
package backup
