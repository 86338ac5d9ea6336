// Package source enumerates pictures and their metadata where they lie. The
// directory source walks a folder and reads sidecar files; it decodes nothing.
package source
