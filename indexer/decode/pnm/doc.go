// Package pnm reads the pictures of Netpbm: PBM, PGM and PPM as numbers or as bytes, PAM
// of up to four channels, and PFM, whose 0 to 1 are black to white. Samples become 8
// bits. Of several pictures it reads the first.
package pnm
