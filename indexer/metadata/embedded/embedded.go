package embedded

import (
	"bytes"

	"polylens/indexer/decode/isobmff"
	"polylens/indexer/metadata"
	"polylens/indexer/metadata/exif"
	"polylens/indexer/metadata/iptc"
	"polylens/indexer/metadata/xmp"
)

// blocks are what a file holds, each as its own standard has it.
type blocks struct {
	exif      []byte   // begins as TIFF does
	xmp       [][]byte // packets
	iptc      []byte   // records
	photoshop []byte   // image resources with records in them
	own       metadata.About
	unfolded  int // bytes that compressed texts have unfolded to
}

// Bounds of what is read of one file. Writers keep one packet of XMP, or two.
const (
	mostPackets  = 16
	mostXMP      = 2 * xmp.MaxPacket // bytes of all packets
	mostUnfolded = 4 * xmp.MaxPacket // bytes of all compressed texts
)

// Read reads what is written in a picture file about the picture. A file of a format
// that it does not know says nothing.
func Read(data []byte) (about metadata.About) {
	defer func() {
		if failed := recover(); failed != nil {
			about.Warn("its metadata is read in part: %v", failed)
		}
	}()
	found := find(data)
	return found.read()
}

func find(data []byte) blocks {
	var b blocks
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		b.jpeg(data)
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		b.png(data)
	case len(data) > 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP":
		b.webp(data[12:])
	case bytes.HasPrefix(data, []byte("II*\x00")), bytes.HasPrefix(data, []byte("MM\x00*")),
		bytes.HasPrefix(data, []byte("II+\x00")), bytes.HasPrefix(data, []byte("MM\x00+")):
		b.exif = data
	case len(data) > 12 && string(data[4:8]) == "ftyp":
		b.heif(data)
	case bytes.HasPrefix(data, []byte("\x00\x00\x00\x0cjP  ")), bytes.HasPrefix(data, []byte("\x00\x00\x00\x0cJXL ")):
		b.boxed(data)
	case bytes.HasPrefix(data, []byte("GIF8")):
		b.gif(data)
	}
	return b
}

func (b *blocks) heif(data []byte) {
	found, err := isobmff.ReadAbout(data)
	b.exif = exif.Trim(found.EXIF)
	b.addXMP(found.XMP)
	if err != nil && len(b.exif) == 0 && len(b.xmp) == 0 {
		return // most often it holds none
	}
}

func (b *blocks) addXMP(packet []byte) {
	total := len(packet)
	for _, p := range b.xmp {
		total += len(p)
	}
	switch {
	case len(packet) == 0:
	case len(packet) <= xmp.MaxPacket && (len(b.xmp) == mostPackets || total > mostXMP):
		b.own.WarnOnce("its XMP is read in part: of %d packets or %d bytes no more is read", mostPackets, mostXMP)
	case len(packet) > xmp.MaxPacket:
		b.own.WarnOnce("some of its XMP is left out: it has %d bytes, at most %d are read", len(packet), xmp.MaxPacket)
	default:
		b.xmp = append(b.xmp, packet)
	}
}

// read reads the blocks and puts them together.
func (b *blocks) read() metadata.About {
	var fromEXIF, fromXMP, fromIPTC metadata.About
	if len(b.exif) > 0 {
		var inside exif.Blocks
		fromEXIF, inside = exif.Read(b.exif)
		b.addXMP(inside.XMP)
		if b.iptc == nil {
			b.iptc = inside.IPTC
		}
		if b.photoshop == nil {
			b.photoshop = inside.Photoshop
		}
	}
	for i, packet := range b.xmp {
		if more := xmp.Read(packet); i == 0 {
			fromXMP = more
		} else {
			fromXMP = merge(fromXMP, more)
		}
	}
	changed := false
	if records, later := iptc.Resources(b.photoshop); records != nil {
		b.iptc, changed = records, later
	}
	if len(b.iptc) > 0 {
		fromIPTC = iptc.Read(b.iptc)
	}
	second, third := fromXMP, fromIPTC
	if changed {
		second, third = fromIPTC, fromXMP
	}
	return combine(fromEXIF, second, third, b.own)
}
