package decode

import (
	"bytes"
	"encoding/binary"

	"polylens/indexer/decode/isobmff"
)

// metadata is what has to be known of a file beside its pixels.
type metadata struct {
	orientation int   // of EXIF, 1 to 8; 1 is upright
	progressive bool  // JPEG only
	lateColors  bool  // JPEG only: the segment that names its colours comes late, after decoders have assumed others
	deep        bool  // HEIC and AVIF only: more than 8 bits a channel
	animated    bool  // WebP only
	memory      int64 // TIFF only: bytes that decoding takes at worst, without turning
}

// readMetadata looks into the containers of each format. What is damaged or
// missing there does not count: a picture without orientation is upright.
func readMetadata(format string, data []byte) metadata {
	m := metadata{orientation: 1}
	switch format {
	case "jpeg":
		m.readJPEG(data)
	case "png":
		m.readPNG(data)
	case "webp":
		m.readWebP(data)
	case "tiff":
		m.readTIFF(data)
		m.readTIFFHeader(data)
	case "avif", "heic":
		m.readContainer(format, data)
	}
	return m
}

var exifHeader = []byte("Exif\x00\x00")

// readJPEG walks over the segments before the first scan.
func (m *metadata) readJPEG(data []byte) {
	const sof0, sof2, sof15, sos, app0, app1, app14 = 0xC0, 0xC2, 0xCF, 0xDA, 0xE0, 0xE1, 0xEE
	framed := false
	for pos := 2; pos+4 <= len(data); {
		if data[pos] != 0xFF {
			return
		}
		marker := data[pos+1]
		if marker == 0xFF || marker >= 0xD0 && marker <= 0xD8 { // fill byte, or a marker without length
			pos++
			if marker != 0xFF {
				pos++
			}
			continue
		}
		end := pos + 2 + int(binary.BigEndian.Uint16(data[pos+2:]))
		if marker == sos || end < pos+4 || end > len(data) {
			return
		}
		segment := data[pos+4 : end]
		switch {
		case marker == app1 && bytes.HasPrefix(segment, exifHeader) && m.orientation == 1:
			m.readTIFF(segment[len(exifHeader):])
		case marker >= sof2 && marker <= sof15 && marker&3 == 2:
			m.progressive = true
		case marker == app0 || marker == app14: // JFIF, Adobe
			m.lateColors = m.lateColors || framed
		}
		framed = framed || marker >= sof0 && marker <= sof2
		pos = end
	}
}

// readPNG looks for the eXIf chunk, which may stand before or after the pixels.
func (m *metadata) readPNG(data []byte) {
	for pos := 8; pos+12 <= len(data); {
		n := int64(binary.BigEndian.Uint32(data[pos:]))
		if int64(pos)+12+n > int64(len(data)) {
			return
		}
		if string(data[pos+4:pos+8]) == "eXIf" {
			m.readTIFF(data[pos+8 : pos+8+int(n)])
			return
		}
		pos += 12 + int(n)
	}
}

// readWebP looks for the EXIF chunk. Some writers leave the header of the JPEG
// segment in it.
func (m *metadata) readWebP(data []byte) {
	m.animated = animatedWebP(data)
	for chunks := data[min(webpRIFF, len(data)):]; ; {
		name, content, rest := nextChunk(chunks)
		if name == "EXIF" {
			m.readTIFF(bytes.TrimPrefix(content, exifHeader))
		}
		if name == "" || name == "EXIF" {
			return
		}
		chunks = rest
	}
}

// readContainer takes what the container says, not EXIF. The decoder of HEIC applies
// the container's orientation itself.
func (m *metadata) readContainer(format string, data []byte) {
	p, err := isobmff.Read(data)
	if err != nil {
		return
	}
	m.deep = p.Bits > 8
	if format == "avif" {
		m.orientation = p.Orientation
	}
}

// readTIFF reads the first directory of a TIFF structure, which is also what
// EXIF is.
func (m *metadata) readTIFF(data []byte) {
	const short = 3
	if len(data) < 8 {
		return
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch string(data[:4]) {
	case "II*\x00":
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return
	}
	start := int64(order.Uint32(data[4:]))
	if start+2 > int64(len(data)) {
		return
	}
	entries := data[start+2:]
	for range order.Uint16(data[start:]) {
		if len(entries) < 12 {
			return
		}
		if order.Uint16(entries[2:]) == short {
			m.readTag(order.Uint16(entries), int(order.Uint16(entries[8:])))
		}
		entries = entries[12:]
	}
}

// readTag takes over what is of interest here.
func (m *metadata) readTag(tag uint16, value int) {
	const orientationTag = 0x0112
	if tag == orientationTag && value >= 1 && value <= 8 {
		m.orientation = value
	}
}
