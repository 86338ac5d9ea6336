// Package source enumerates pictures and their metadata where they lie. The
// directory source walks a folder by rules, tells of everything that it meets, and reads
// sidecar files. It looks at the first bytes of files whose names do not tell what they
// are, and decodes nothing.
package source
