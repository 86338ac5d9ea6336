// Package color converts decoded pictures to sRGB of 8 bits, from what their file says
// of their colours: an ICC profile (ISO 15076-1), code points of ITU-T H.273, or the
// gamma and chromaticities of PNG. It finds none of that in files, and turns or scales
// nothing.
//
// Profiles are evaluated by github.com/kovidgoyal/imaging as lcms2 does with perceptual
// intent: that of Pillow and of most viewers. A profile is a stranger's, so its sizes are
// checked before that library, which would allocate by them, sees it; to evaluate one
// takes 40 MB at most. What becomes of it is a table, made once and kept in a Cache.
package color
