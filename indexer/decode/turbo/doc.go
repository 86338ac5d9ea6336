// Package turbo decodes JPEGs with libjpeg-turbo, at full size or reduced by
// the inverse cosine transform itself. The library is found at run time; the
// package builds and runs without it, and without its headers.
//
// It does not judge JPEGs: it refuses whatever the library warns about, which is more
// than what is wrong, and everything but grey and YCbCr. Callers give what was
// refused to image/jpeg. The library is C, and a fault in it would end the process:
// check header and size before.
package turbo
