// Package ico reads the directory of an icon or cursor of Windows (ICO, CUR). The
// pictures in it are PNGs, and bitmaps that package bmp reads.
package ico
