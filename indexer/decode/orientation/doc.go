// Package orientation finds out how a picture has to be turned from what stands beside
// its pixels: EXIF, XMP, and the text chunks of PNG. It judges pieces that its caller
// has found in the container of a format, and reads nothing else of them.
//
// Where they disagree it decides as Pillow's ImageOps.exif_transpose does: an
// orientation in EXIF wins over one in XMP, even where it is none that exists.
package orientation
