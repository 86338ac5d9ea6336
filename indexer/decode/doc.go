// Package decode turns the bytes of a picture file into an upright image
// within limits on bytes, pixels and time. It trusts neither file names nor
// declared sizes.
package decode
