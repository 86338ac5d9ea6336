// Package postgrestest gives tests databases on a real Postgres server: one that
// it runs itself from what "polylens setup --for test" fetched, or the one that
// POLYLENS_POSTGRES_URL names.
//
// Only tests use it. The server that it runs forgets everything when it stops,
// does not wait for the disk, and is reached only through a socket in a folder
// that other users cannot enter.
package postgrestest
