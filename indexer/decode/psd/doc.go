// Package psd reads the flattened picture of a Photoshop file (PSD, PSB) of 1, 8 and 16
// bits: bitmap, grey, duotone as grey, indexed, RGB with and without alpha, CMYK and Lab.
// It reads no layers: a file that was saved without its flattened picture is refused.
// Colours are not converted, but for Lab.
package psd
