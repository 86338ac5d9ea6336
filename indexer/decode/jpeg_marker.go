package decode

import (
	"bytes"
	"encoding/binary"
)

// untilUnknownMarker is a JPEG up to the first marker behind the begin of its first scan that
// stands for nothing, with an end marker in place of it; false if there is none. Damage
// makes such markers of pixels or of the end marker, and libjpeg shows no picture then
// though it has decoded all before them.
func untilUnknownMarker(data []byte) ([]byte, bool) {
	for pos := firstScan(data); pos+1 < len(data); {
		if data[pos] != 0xFF {
			next := bytes.IndexByte(data[pos:], 0xFF)
			if next < 0 {
				return nil, false
			}
			pos += next
			continue
		}
		switch marker := data[pos+1]; {
		case marker == 0xFF: // filling
			pos++
		case marker == 0, marker == 1, marker >= 0xD0 && marker <= 0xD7: // a pixel, TEM, RST
			pos += 2
		case marker == 0xD9:
			return nil, false
		case marker == 0xC4, marker == 0xCC, marker >= 0xDA && marker <= 0xDD, marker >= 0xE0 && marker <= 0xEF, marker == 0xFE:
			pos = behindSegment(data, pos)
		default:
			return append(bytes.Clone(data[:pos]), endOfImage...), true
		}
	}
	return nil, false
}

// firstScan is where the marker of the first scan stands, or len(data).
func firstScan(data []byte) int {
	for pos := 2; pos+1 < len(data); {
		switch {
		case data[pos] != 0xFF || data[pos+1] == 0xFF || data[pos+1] == 0:
			pos++
		case data[pos+1] == 0xDA:
			return pos
		default:
			pos = behindSegment(data, pos)
		}
	}
	return len(data)
}

func behindSegment(data []byte, pos int) int {
	if pos+4 > len(data) {
		return len(data)
	}
	return min(len(data), pos+2+max(2, int(binary.BigEndian.Uint16(data[pos+2:]))))
}
