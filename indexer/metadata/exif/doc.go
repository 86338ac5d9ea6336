// Package exif reads what an EXIF block (CIPA DC-008, a TIFF structure) says about a
// picture: when, where and with what it was taken, and what was written about it. It
// reads three directories and no more, and each field by itself: one that is damaged is
// named, the others count. It never allocates more than the block holds.
package exif
