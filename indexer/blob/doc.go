// Package blob keeps files by name, in a folder or in an S3 bucket: the pictures that
// clients have sent, or thumbnails in their place, by SHA-256, and what waits to be worked
// on. It knows nothing of images or jobs, does not decide what is no longer needed, and
// keeps nothing in memory.
package blob
