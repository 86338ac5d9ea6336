// Package tiff reads the first page of a TIFF or BigTIFF file, in as many of its
// variants as Pillow reads and in many more: strips and tiles, samples together or in
// planes, whole numbers of 1 to 64 bits and floating point, grey, palette, RGB, CMYK,
// YCbCr and Lab, and every compression that is still written.
//
// What comes back is in the colours of the file: embedded profiles are not applied, only
// Lab becomes sRGB. It has 8 bits a channel, the high ones of the file's, or 16 where a
// profile comes with more than 8. A file that ends early is shown as far as it goes, with a warning. Nothing that a
// file says of itself is believed: what it may cost is in its Header before any of it is
// spent.
//
// The package writes nothing, reads no page but the first, and refuses what a camera
// calls its raw file, see CameraRaw.
package tiff
