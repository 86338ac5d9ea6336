// Package bmp reads Windows and OS/2 bitmaps of every depth: with palette, run lengths,
// any bit fields, alpha, rows from either end, and with a JPEG or PNG inside. It reads
// those of icons, too, which have a mask. Not read are the compressions of OS/2 alone
// (Huffman, run lengths of 24 bits). Colour spaces are not applied.
//
// The formats are those of BITMAPCOREHEADER to BITMAPV5HEADER (Windows GDI) and of
// OS22XBITMAPHEADER.
package bmp
