package embedded

import (
	"bytes"
	"encoding/binary"

	"polylens/indexer/metadata/exif"
)

// webp walks over the chunks of RIFF.
func (b *blocks) webp(data []byte) {
	for len(data) >= 8 {
		size := uint64(binary.LittleEndian.Uint32(data[4:]))
		kind := string(data[:4])
		data = data[8:]
		content := data[:min(size, uint64(len(data)))]
		switch {
		case kind == "EXIF" && b.exif == nil:
			b.exif = exif.Trim(content)
		case kind == "XMP " && b.xmp == nil:
			b.addXMP(content)
		}
		data = data[min(size+size&1, uint64(len(data))):]
	}
}

// Identifiers of the boxes "uuid" in JPEG 2000.
const (
	uuidXMP  = "\xBE\x7A\xCF\xCB\x97\xA9\x42\xE8\x9C\x71\x99\x94\x91\xE3\xAF\xAC"
	uuidEXIF = "JpgTiffExif->JP2"
	uuidIPTC = "\x33\xC7\xA4\xD2\xB8\x1D\x47\x23\xA0\xBA\xF1\xA3\xE0\x97\xAD\x38"
)

// boxed walks over the boxes of JPEG 2000 and JPEG XL.
func (b *blocks) boxed(data []byte) {
	for len(data) >= 8 {
		size, head := uint64(binary.BigEndian.Uint32(data)), uint64(8)
		if size == 1 && len(data) >= 16 {
			size, head = binary.BigEndian.Uint64(data[8:]), 16
		}
		if size == 0 {
			size = uint64(len(data))
		}
		if size < head || size > uint64(len(data)) {
			return
		}
		b.box(string(data[4:8]), data[head:size])
		data = data[size:]
	}
}

func (b *blocks) box(kind string, body []byte) {
	switch kind {
	case "xml ":
		b.addXMP(body)
	case "Exif": // of JPEG XL: begins with the offset of the block
		if skip := uint64(0); len(body) >= 4 {
			skip = 4 + uint64(binary.BigEndian.Uint32(body))
			b.exif = exif.Trim(body[min(skip, uint64(len(body))):])
		}
	case "uuid":
		if len(body) < 16 {
			return
		}
		switch id, content := string(body[:16]), body[16:]; id {
		case uuidXMP:
			b.addXMP(content)
		case uuidEXIF:
			b.exif = exif.Trim(content)
		case uuidIPTC:
			b.iptc = content
		}
	}
}

// gif looks for the extension with XMP, which lies in the file as text.
func (b *blocks) gif(data []byte) {
	_, packet, ok := bytes.Cut(data, []byte("XMP DataXMP"))
	if !ok {
		return
	}
	if end := bytes.Index(packet, []byte("<?xpacket end")); end >= 0 {
		b.addXMP(packet[:end])
	}
}
