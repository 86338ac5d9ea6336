// Package qoi reads the Quite OK Image Format (qoiformat.org, version 1.0). What it says
// of the colour space is not applied.
package qoi
