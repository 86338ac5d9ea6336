// Package sun reads Sun raster files: one bit, grey and palettes of 4 and 8 bits, and true
// colour of 24 and 32, of which the fourth byte is not used; with run lengths or without.
package sun
