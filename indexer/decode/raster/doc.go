// Package raster is what the decoders of simple picture formats share: how they say
// that a picture is cut off or of a kind that they do not read, and how they read
// numbers and fill pixels without going beyond either. It knows no format.
package raster
