// Package embedded reads what is written inside of picture files about the picture:
// EXIF, IPTC-IIM and XMP in JPEG, PNG, WebP, TIFF, HEIC, AVIF, JPEG 2000, JPEG XL and
// GIF, and the texts of PNG. It finds the blocks in their containers, reads each by its
// package, and where they disagree follows the guidelines of the Metadata Working
// Group: EXIF before the others, IPTC before XMP only where it was changed later. It
// reads no pixels. A block that is damaged never makes a picture unreadable.
package embedded
