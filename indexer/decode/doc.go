// Package decode turns the bytes of a picture file into an upright image
// within limits on bytes, pixels, memory and time. It trusts neither file
// names nor declared sizes.
//
// It reads JPEG, PNG, GIF (the first frame), WebP (not animated), BMP and
// TIFF (the first page). Two things differ from the decoders below it: lossy
// WebP gets the colours and the chroma interpolation of libwebp, where
// golang.org/x/image/webp takes its limited-range YCbCr for full range; and
// 16-bit grey is scaled to 8 bits, since the reference image processors would
// clip it to white. Colour profiles are not applied.
package decode
