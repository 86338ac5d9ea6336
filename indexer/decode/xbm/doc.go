// Package xbm reads bitmaps of X11 (XBM), which are the text of a C array. Their bits have
// no colours: as in Pillow, 1 is white and 0 is black. The older kind, of numbers of 16
// bits, is named.
package xbm
