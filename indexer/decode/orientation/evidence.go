package orientation

import (
	"bytes"
	"slices"
)

// Upright is the orientation of a picture that is not to be turned.
const Upright = 1

// mostPieces bounds the pieces of EXIF that are put together: no writer makes more.
const mostPieces = 64

// Evidence collects what a file says. The zero value says nothing. It keeps what it is
// given.
type Evidence struct {
	exif [][]byte
	xmp  []byte
	// What a PNG holds of EXIF and XMP in a raw profile counts only where there is no
	// other.
	profile, profileXMP []byte

	unfolded int // bytes that compressed texts have unfolded to
}

var header = []byte("Exif\x00")

// EXIF adds a TIFF structure, with or without the header that EXIF has in a JPEG. A
// structure that a JPEG spreads over several segments is added piece by piece.
func (e *Evidence) EXIF(data []byte) {
	if len(e.exif) < mostPieces {
		e.exif = append(e.exif, withoutHeader(data))
	}
}

func withoutHeader(data []byte) []byte {
	for len(data) > len(header) && bytes.HasPrefix(data, header) {
		data = data[len(header)+1:] // a byte of padding follows
	}
	return data
}

// XMP adds a packet. The last one counts.
func (e *Evidence) XMP(packet []byte) {
	if len(packet) > 0 {
		e.xmp = packet
	}
}

// TIFF adds a file of that format, which can hold a packet of XMP.
func (e *Evidence) TIFF(data []byte) {
	e.EXIF(data)
	e.XMP(readDirectory(data).xmp)
}

var xmpHeader = []byte("http://ns.adobe.com/xap/1.0/\x00")

// JPEG adds an APP1 segment, which holds EXIF, XMP or something else.
func (e *Evidence) JPEG(segment []byte) {
	switch {
	case bytes.HasPrefix(segment, header), byteOrder(segment) != nil:
		e.EXIF(segment)
	case bytes.HasPrefix(segment, xmpHeader):
		e.XMP(segment[len(xmpHeader):])
	}
}

// Orientation is the number of EXIF, 1 to 8. Without evidence it is Upright.
func (e *Evidence) Orientation() int {
	value, found := e.fromEXIF()
	if !found {
		value = fromXMP(e.xmp)
	}
	if !found && len(e.xmp) == 0 {
		value = fromXMP(e.profileXMP)
	}
	if value < 1 || value > 8 {
		return Upright
	}
	return value
}

func (e *Evidence) fromEXIF() (value int, found bool) {
	structures := e.exif
	switch len(structures) {
	case 0:
		structures = [][]byte{e.profile}
	case 1:
	default: // one in pieces, or several
		structures = append([][]byte{slices.Concat(structures...)}, structures...)
	}
	for _, data := range structures {
		if tags := readDirectory(data); tags.found {
			return tags.orientation, true
		}
	}
	return 0, false
}
