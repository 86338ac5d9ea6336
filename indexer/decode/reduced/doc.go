// Package reduced decodes JPEGs at an eighth to a half of their size, in Go. It is
// faster than reducing with libjpeg-turbo because a small picture depends on only a
// few coefficients of each block: the others are skipped, several at a time, without
// decoding their values.
//
// It reads sequential JPEGs with Huffman codes, 8 bits a sample, in grey or YCbCr,
// whose components are in one scan: what cameras write. It does not judge JPEGs: it
// refuses all others, and those whose damage it notices, and leaves it to image/jpeg
// to say what is wrong. It does not look at colour transforms or orientation.
package reduced
