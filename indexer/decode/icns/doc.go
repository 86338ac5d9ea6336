// Package icns reads the directory of an icon of macOS (ICNS). It finds PNGs and JPEG 2000
// pictures, which it leaves to others to decode. The older pictures, of 16 to 128 pixels
// with run lengths and a mask of their own, are named.
package icns
