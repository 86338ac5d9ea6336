// Package tga reads Truevision TGA: with palette, grey, of 15, 16, 24 and 32 bits, with
// run lengths, from any corner. The format has no first bytes of its own: Is looks
// whether the header makes sense. The attribute bit of 16 bits is ignored, and so is
// an alpha channel that is all zero in a file that says it has none.
package tga
