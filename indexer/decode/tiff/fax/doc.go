// Package fax reads the bilevel codings of fax machines (ITU-T T.4 and T.6) as they stand
// in TIFF: Modified Huffman with and without line ends, Modified READ and Modified Modified
// READ. golang.org/x/image/ccitt reads only two of the five, and gives up at the first
// fault; here a damaged line ends white, and reading goes on where the coding allows it.
//
// The uncompressed modes of T.4 and T.6 are not read, nor anything that is not bilevel.
package fax
