package decode

import (
	"encoding/binary"

	"polylens/indexer/decode/isobmff"
	"polylens/indexer/decode/orientation"
)

// metadata is what has to be known of a file beside its pixels.
type metadata struct {
	orientation int     // 1 to 8, in the numbers of EXIF
	progressive bool    // JPEG only
	samples     float64 // JPEG only: bytes a pixel of all components, with less of those that are subsampled
	across      int     // JPEG only: how many samples of a row one may stand for
	lateColors  bool    // JPEG only: the segment that names its colours comes late, after decoders have assumed others
	deep        bool    // HEIC and AVIF only: more than 8 bits a channel
	animated    bool    // WebP only
	cut         bool    // WebP only: it ends within a chunk
	memory      int64   // TIFF only: bytes that decoding takes at worst, without turning
}

// readMetadata looks into the containers of each format. What is damaged or
// missing there does not count: a picture without orientation is upright.
func readMetadata(format string, data []byte) metadata {
	m := metadata{orientation: orientation.Upright}
	var says orientation.Evidence
	switch format {
	case "jpeg":
		m.readJPEG(data, &says)
	case "png":
		readPNG(data, &says)
	case "webp":
		m.readWebP(data, &says)
	case "tiff":
		m.readTIFFHeader(data)
		says.TIFF(data)
	case "avif", "heic":
		m.readContainer(format, data)
		return m
	}
	m.orientation = says.Orientation()
	return m
}

// readJPEG walks over the segments before the first scan.
func (m *metadata) readJPEG(data []byte, says *orientation.Evidence) {
	const sof0, sof2, sof15, app0, app1, app14 = 0xC0, 0xC2, 0xCF, 0xE0, 0xE1, 0xEE
	framed := false
	for marker, segment := range jpegSegments(data) {
		switch {
		case marker == app1:
			says.JPEG(segment)
		case marker >= sof0 && marker <= sof2:
			m.progressive = marker == sof2
			m.readFrame(segment)
		case marker >= sof2 && marker <= sof15 && marker&3 == 2:
			m.progressive = true
		case marker == app0 || marker == app14: // JFIF, Adobe
			m.lateColors = m.lateColors || framed
		}
		framed = framed || marker >= sof0 && marker <= sof2
	}
}

// readFrame reads a frame header (ITU-T T.81, B.2.2). What is none has 4 samples a
// pixel, the most.
func (m *metadata) readFrame(frame []byte) {
	const fixed, each = 6, 3
	sum, across, down := 0, 0, 0
	for components := frame[min(fixed, len(frame)):]; len(components) >= each; components = components[each:] {
		h, v := int(components[1]>>4), int(components[1]&15)
		sum, across, down = sum+h*v, max(across, h), max(down, v)
	}
	m.samples, m.across = 4, across
	if across*down > 0 {
		m.samples = float64(sum) / float64(across*down)
	}
}

// readPNG looks at all chunks: what says something may stand before or after the pixels.
func readPNG(data []byte, says *orientation.Evidence) {
	for pos := 8; pos+12 <= len(data); {
		n := int64(binary.BigEndian.Uint32(data[pos:]))
		if int64(pos)+12+n > int64(len(data)) {
			return
		}
		says.PNG(string(data[pos+4:pos+8]), data[pos+8:pos+8+int(n)])
		pos += 12 + int(n)
	}
}

// readWebP looks for EXIF and XMP.
func (m *metadata) readWebP(data []byte, says *orientation.Evidence) {
	m.animated = animatedWebP(data)
	for chunks := webpChunks(data); ; {
		name, content, rest := nextChunk(chunks)
		switch name {
		case "":
			m.cut = len(chunks) >= webpChunkHead
			return
		case "EXIF":
			says.EXIF(content)
		case "XMP ":
			says.XMP(content)
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
