// Package catalog is the SQL store and the single source of truth:
// collections, images, captions, vectors by content and fingerprint, tasks,
// runs and their curves. The vector index can be rebuilt from it at any time.
package catalog
