// Package hub fetches, finds, checks and fingerprints model directories, and
// carries the bundled model polylens-mini. It opens no session and reads no
// weights beyond their headers and hashes.
//
// A Store is the models folder and, read-only, the cache that Hugging Face programs
// share. In the models folder every model is a directory of plain files under the
// name that it has on the hub, put there whole or not at all and stamped by a
// manifest, polylens.json. Hidden folders beside them hold what is being made:
// .pulling for pulls, .locks for those who wait, .views for the hard links through
// which models of the cache are opened.
//
// What a directory can hold is decided in kind.go, and nowhere else.
package hub
