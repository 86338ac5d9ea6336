package embedded

import (
	"bytes"
	"encoding/binary"

	"polylens/indexer/metadata/exif"
	"polylens/indexer/metadata/xmp"
)

var (
	xmpHeader       = []byte("http://ns.adobe.com/xap/1.0/\x00")
	extensionHeader = []byte("http://ns.adobe.com/xmp/extension/\x00")
	photoshopHeader = []byte("Photoshop 3.0\x00")
)

// jpeg walks over the segments before the first scan.
func (b *blocks) jpeg(data []byte) {
	const sos, app1, app13 = 0xDA, 0xE1, 0xED
	var extended extension
	for at := 2; at+4 <= len(data); {
		if data[at] != 0xFF { // bytes that belong to no segment
			at++
			continue
		}
		marker := data[at+1]
		if marker == 0xFF {
			at++
			continue
		}
		if marker == 0 || marker == 1 || marker >= 0xD0 && marker <= 0xD8 {
			at += 2
			continue
		}
		end := at + 2 + int(binary.BigEndian.Uint16(data[at+2:]))
		if marker >= 0xD9 && marker <= sos || end < at+4 || end > len(data) {
			break
		}
		segment := data[at+4 : end]
		switch {
		case marker == app1 && bytes.HasPrefix(segment, exif.Header) && b.exif == nil:
			b.exif = segment[len(exif.Header):]
		case marker == app1 && bytes.HasPrefix(segment, xmpHeader) && b.xmp == nil:
			b.addXMP(segment[len(xmpHeader):])
		case marker == app1 && bytes.HasPrefix(segment, extensionHeader):
			extended.add(segment[len(extensionHeader):])
		case marker == app13 && bytes.HasPrefix(segment, photoshopHeader):
			b.photoshop = append(b.photoshop, segment[len(photoshopHeader):]...)
		}
		at = end
	}
	b.addExtension(extended)
}

// extension is the rest of an XMP packet that is too long for a segment: parts, each
// with the name and the length of the whole and its offset in it.
type extension struct {
	name  string
	total int
	parts map[int][]byte
}

func (e *extension) add(segment []byte) {
	const head = 32 + 4 + 4
	if len(segment) < head {
		return
	}
	name := string(segment[:32])
	total, offset := binary.BigEndian.Uint32(segment[32:]), binary.BigEndian.Uint32(segment[36:])
	if e.parts == nil {
		e.name, e.total, e.parts = name, int(total), make(map[int][]byte)
	}
	if name == e.name && total <= xmp.MaxPacket && offset <= total {
		e.parts[int(offset)] = segment[head:]
	}
}

// addExtension adds it if the packet names it and it is there as a whole.
func (b *blocks) addExtension(e extension) {
	if len(b.xmp) == 0 || e.name == "" || !bytes.Contains(b.xmp[0], []byte(e.name)) {
		return
	}
	var whole []byte
	for len(whole) < e.total {
		part := e.parts[len(whole)]
		if len(part) == 0 {
			b.own.Warn("its XMP is read in part: what continues it is not whole")
			return
		}
		whole = append(whole, part...)
	}
	b.addXMP(whole)
}
