// Package turbo decodes JPEGs with libjpeg-turbo, at full size or reduced by
// the inverse cosine transform itself. The library is found at run time; the
// package builds and runs without it, and without its headers.
//
// It is not a judge of JPEGs: it refuses what the library warns about, which
// is more than what is wrong, and what takes other colours than grey and
// YCbCr. A caller gives what was refused to image/jpeg. The library is C, and a
// fault in it would end the process: check header and size before.
package turbo
