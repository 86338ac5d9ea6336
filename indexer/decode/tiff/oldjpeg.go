package tiff

import (
	"bytes"
	"encoding/binary"
)

// hasWholeJPEG reports whether a JPEG of the old style lies in one piece where its tag
// points to. Strips are then parts of it, if anything.
func (p *page) hasWholeJPEG() bool {
	v := p.tags[tagJPEGOffset]
	return p.compression == oldJPEG && v.len() > 0 && bytes.HasPrefix(p.from(v.uint(0)), []byte(startOfImage))
}

// Markers of JPEG. SOF1 is baseline with more than two tables.
const (
	markSOF1, markDHT, markSOS, markDQT, markDRI = 0xC1, 0xC4, 0xDA, 0xDB, 0xDD
)

// withHeader makes a JPEG of coded data of the old style, whose tables are where the tags
// of TIFF 6.0, section 22, point to.
func (d *decoder) withHeader(data []byte) ([]byte, error) {
	stream := []byte(startOfImage)
	frame := []byte{8}
	frame = binary.BigEndian.AppendUint16(frame, uint16(d.grid.height))
	frame = binary.BigEndian.AppendUint16(frame, uint16(d.grid.width))
	frame = append(frame, byte(d.samples))
	scan := []byte{byte(d.samples)}
	for i := range d.samples {
		tables, ok := d.tablesOf(i)
		if !ok {
			return nil, unsupported("old-style JPEG without tables")
		}
		stream = append(stream, tables...)
		sampling := byte(0x11)
		if i == 0 && d.samples == 3 {
			sampling = d.lumaSampling()
		}
		frame = append(frame, byte(i), sampling, byte(i))
		scan = append(scan, byte(i), byte(i<<4|i))
	}
	if interval := d.number(tagJPEGRestartInterval, 0); interval > 0 {
		stream = appendMarker(stream, markDRI, binary.BigEndian.AppendUint16(nil, uint16(interval)))
	}
	stream = appendMarker(stream, markSOF1, frame)
	stream = appendMarker(stream, markSOS, append(scan, 0, 63, 0))
	stream = append(stream, data...)
	return append(stream, endOfImage...), nil
}

// lumaSampling is how many samples of luma stand for one of chroma, across and down.
func (p *page) lumaSampling() byte {
	v := p.tags[tagYCbCrSubsampling]
	if v.len() < 2 {
		return 0x22
	}
	return byte(v.uint(0)<<4 | v.uint(1)&15)
}

// tablesOf are the markers with the tables of a component.
func (d *decoder) tablesOf(component int) (stream []byte, ok bool) {
	const quantization, counts = 64, 16
	steps := d.slice(d.tags[tagJPEGQTables].uint(component), quantization)
	ok = len(steps) == quantization
	stream = appendMarker(nil, markDQT, append([]byte{byte(component)}, steps...))
	for class, tag := range [2]uint16{tagJPEGDCTables, tagJPEGACTables} {
		codes := d.from(d.tags[tag].uint(component))
		if d.tags[tag].len() <= component || len(codes) < counts {
			return nil, false
		}
		n := counts
		for _, count := range codes[:counts] {
			n += int(count)
		}
		table := append([]byte{byte(class<<4 | component)}, codes[:min(n, len(codes))]...)
		stream = appendMarker(stream, markDHT, table)
	}
	return stream, ok
}

func appendMarker(stream []byte, marker byte, content []byte) []byte {
	stream = append(stream, 0xFF, marker)
	stream = binary.BigEndian.AppendUint16(stream, uint16(len(content)+2))
	return append(stream, content...)
}
