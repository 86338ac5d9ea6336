// Package mend makes of a damaged PNG one that image/png reads: without the chunks
// that do not matter for the pixels, with right checksums, and with as many pixels as
// there should be. It does not decode pixels itself, but says how many of them are
// missing.
package mend
