// Package hub finds, checks and fingerprints model directories, and carries
// the bundled model polylens-mini. It opens no session.
package hub
