package decode

import (
	"slices"
	"strings"

	"polylens/indexer/decode/tiff"
)

// SniffLength is how many first bytes of a file Sniff looks at.
const SniffLength = 512

const rawFile = "camera's raw file"

// Sniff says what a file is by its first SniffLength bytes, or all of a shorter one.
// picture tells that this package reads the format, which name is then, as in
// Info.Format. Otherwise name is for people, such as "video", "text" or "empty file", and
// "" where nothing is known.
func Sniff(head []byte) (name string, picture bool) {
	if len(head) == 0 {
		return "empty file", false
	}
	if tiff.CameraRaw(head) != "" {
		return rawFile, false
	}
	name, _ = sniff(head)
	if slices.ContainsFunc(codecs, func(c codec) bool { return c.name == name }) {
		return name, true
	}
	for _, article := range []string{"a ", "an "} {
		name = strings.TrimPrefix(name, article)
	}
	switch {
	case strings.HasPrefix(name, rawFile): // whichever camera's
		return rawFile, false
	case name == zeros:
		return "file of zeros", false
	}
	return name, false
}
