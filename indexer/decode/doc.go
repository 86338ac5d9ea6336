// Package decode turns the bytes of a picture file into an upright image
// within limits on bytes, pixels, memory and time. It trusts neither file
// names nor declared sizes.
//
// It reads JPEG, PNG, GIF and WebP (the first frame), BMP, TIFF and BigTIFF (the first page,
// see decode/tiff), HEIC and AVIF (the first picture), and with Decoder.Outside JPEG 2000 and
// rare and damaged JPEGs. Raw files of cameras are named, not
// read. In several ways it corrects the decoders that it
// uses: lossy WebP gets the colours and the chroma interpolation of libwebp, where
// golang.org/x/image/webp takes its limited-range YCbCr for full range; 16-bit grey
// is scaled to 8 bits, since the reference image processors would clip it to white;
// HEIC gets the colours that its container names, and its transparency.
//
// What it returns is in sRGB. Colours are converted from the ICC profile of a JPEG,
// PNG, WebP, TIFF, GIF, HEIC or AVIF, from cICP, gAMA and cHRM of PNG, and from the code
// points of HEIC and AVIF, as package color has it; a picture that says nothing is in
// sRGB. Of a picture with a gain map the base is shown. Colours of HEIC are cut to 8 bits
// before they are converted, those of all others after.
//
// Damage inside the coded data of a HEIC is not noticed: its decoder conceals
// it. A HEIC or AVIF that is cut off is refused.
package decode
