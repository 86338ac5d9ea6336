// Package xpm reads pixmaps of X11 (XPM, version 3), which are the text of a C array.
// Colours are those for screens of colour, by their numbers, or by the names of CSS and
// X11; where there is none, the shades of grey.
package xpm
