// Package decode turns the bytes of a picture file into an upright image
// within limits on bytes, pixels, memory and time. It trusts neither file
// names nor declared sizes: the content alone says what a file is.
//
// It reads the formats of the table in format.go: of animations the first frame, of
// several pages or pictures the first, of icons the largest. Those that Pillow reads,
// too, look as it shows them. What cannot be read, such as
// the raw files of cameras, is named (magic.go).
//
// C libraries read what Go does not: JPEG 2000, and rare and damaged JPEGs. They run in
// processes of their own (outside.go, package outside).
//
// A picture that ends early, or is damaged from some point on, is shown as far as it
// goes, with a warning, unless Limits.RefuseDamaged is set (damage.go).
//
// Orientation comes from EXIF of any kind, else from XMP (package orientation); HEIC
// and AVIF have their own, which wins.
//
// What it returns is in sRGB. Colours are converted from the ICC profile of a JPEG,
// PNG, WebP, TIFF, GIF, PSD, HEIC or AVIF, from cICP, gAMA and cHRM of PNG, and from the
// code points of HEIC and AVIF, as package color has it; a picture that says nothing is
// in sRGB. Of a picture with a gain map the base is shown. Colours of HEIC are cut to 8
// bits before they are converted, those of all others after.
//
// In several ways it corrects the decoders that it uses: lossy WebP gets the colours
// and the chroma interpolation of libwebp, where golang.org/x/image/webp takes its
// limited-range YCbCr for full range; 16-bit grey is scaled to 8 bits, since the
// reference image processors would clip it to white; HEIC gets the colours that its
// container names, and its transparency.
//
// Damage inside the coded data of a HEIC is not noticed: its decoder conceals
// it. A HEIC or AVIF that is cut off is refused.
package decode
