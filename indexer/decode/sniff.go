package decode

import (
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf8"

	"polylens/indexer/decode/tiff"
)

// SniffLength is how many first bytes of a file Sniff looks at.
const SniffLength = 512

// Sniff says what a file is by its first SniffLength bytes, or all of a shorter one.
// picture tells that this package reads the format, which name is then, as in
// Info.Format. Otherwise name is for people, such as "video", "text" or "empty file", and
// "" where nothing is known.
func Sniff(head []byte) (name string, picture bool) {
	name = sniff(head)
	switch {
	case len(head) == 0:
		return "empty file", false
	case tiff.CameraRaw(head) != "":
		return "camera's raw file", false
	case name == "bmp" && !hasBMPHeader(head):
		name = "" // "BM" begins many a file
	case slices.ContainsFunc(codecs, func(c codec) bool { return c.name == name }):
		return name, true
	}
	if name == "" && isText(head) {
		return "text", false
	}
	for _, article := range []string{"a ", "an "} {
		name = strings.TrimPrefix(name, article)
	}
	return name, false
}

// hasBMPHeader looks at the size of the header after the file's own.
func hasBMPHeader(head []byte) bool {
	const least, most = 12, 124 // of OS/2 1 and of BITMAPV5HEADER
	if len(head) < 18 {
		return false
	}
	size := binary.LittleEndian.Uint32(head[14:])
	return least <= size && size <= most
}

// isText reports whether bytes are UTF-8 without control characters, but for a last
// character that is cut.
func isText(head []byte) bool {
	for len(head) > 0 {
		r, n := utf8.DecodeRune(head)
		if r == utf8.RuneError && n == 1 {
			return !utf8.FullRune(head)
		}
		if r < ' ' && !strings.ContainsRune("\t\n\f\r\x1b", r) {
			return false
		}
		head = head[n:]
	}
	return true
}
