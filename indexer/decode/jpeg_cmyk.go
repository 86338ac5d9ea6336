package decode

import "slices"

// withAdobe gives a JPEG of four components the segment that says that they are CMYK,
// inverted, if it has none. image/jpeg insists on it; libjpeg and all who use it assume
// it.
func withAdobe(data []byte) []byte {
	const sof0, sof2, app14, componentsAt = 0xC0, 0xC2, 0xEE, 5
	four := false
	for marker, segment := range jpegSegments(data) {
		if marker == app14 && len(segment) >= 5 && string(segment[:5]) == "Adobe" {
			return data
		}
		if marker >= sof0 && marker <= sof2 && len(segment) > componentsAt {
			four = segment[componentsAt] == 4
		}
	}
	if !four {
		return data
	}
	const soi = 2
	adobe := []byte("\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00")
	return slices.Concat(data[:soi], adobe, data[soi:])
}
