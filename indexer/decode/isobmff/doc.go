// Package isobmff reads what the container of a HEIC or AVIF file says of its primary
// picture: size, rotation, mirroring, how its colours are coded, and which other item
// is its transparency (ISO/IEC 14496-12 and 23008-12). It reads no pixels and checks no
// claims: what it returns is what the file says.
package isobmff
