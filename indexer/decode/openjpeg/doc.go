// Package openjpeg decodes JPEG 2000 (ISO/IEC 15444-1: JP2, the first picture of JPX, and
// bare codestreams) with OpenJPEG. The library is found at run time; the package builds
// and runs without it, and without its headers.
//
// It reads gray, RGB, sYCC and CMYK, palettes, alpha, subsampling and up to 38 bits, and
// makes 8 bits of them. It does not read CIELab, e-sYCC and more than four components,
// and applies no colour profile. The library is C: package decode lets it work in a
// process of its own only.
package openjpeg
