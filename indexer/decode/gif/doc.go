// Package gif reads the first frame of a GIF on its screen, as Pillow shows it. Beyond
// image/gif it accepts frames that reach out of the screen, which grows to hold them, a
// screen without size, a file without colour table, and one that ends early. It does
// not read further frames.
package gif
