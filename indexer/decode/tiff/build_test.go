package tiff

import (
	"encoding/binary"
	"maps"
	"slices"
)

// tags are those of a directory with their values, all of type LONG.
type tags map[uint16][]uint32

// grey are the tags of a grey picture of one uncompressed strip right after the header.
func grey(width, height int, pixels []byte) tags {
	return tags{
		tagImageWidth: {uint32(width)}, tagImageLength: {uint32(height)}, tagBitsPerSample: {8}, tagPhotometric: {blackIsZero},
		tagStripOffsets: {8}, tagStripByteCounts: {uint32(len(pixels))},
	}
}

func (t tags) with(tag uint16, values ...uint32) tags {
	out := maps.Clone(t)
	out[tag] = values
	return out
}

// build makes a file of pixels and of a chain of directories.
func build(pixels []byte, pages ...tags) []byte {
	out := append([]byte("II*\x00\x00\x00\x00\x00"), pixels...)
	link := 4
	for _, page := range pages {
		binary.LittleEndian.PutUint32(out[link:], uint32(len(out)))
		out = appendDirectory(out, page)
		link = len(out)
		out = append(out, 0, 0, 0, 0)
		out = appendValues(out, page)
	}
	return out
}

func appendDirectory(out []byte, page tags) []byte {
	const entry, long = 12, 4
	at := len(out) + 2 + entry*len(page) + 4
	out = binary.LittleEndian.AppendUint16(out, uint16(len(page)))
	for _, tag := range slices.Sorted(maps.Keys(page)) {
		values := page[tag]
		out = binary.LittleEndian.AppendUint16(out, tag)
		out = binary.LittleEndian.AppendUint16(out, long)
		out = binary.LittleEndian.AppendUint32(out, uint32(len(values)))
		if len(values) == 1 {
			out = binary.LittleEndian.AppendUint32(out, values[0])
			continue
		}
		out = binary.LittleEndian.AppendUint32(out, uint32(at))
		at += 4 * len(values)
	}
	return out
}

func appendValues(out []byte, page tags) []byte {
	for _, tag := range slices.Sorted(maps.Keys(page)) {
		if values := page[tag]; len(values) != 1 {
			for _, v := range values {
				out = binary.LittleEndian.AppendUint32(out, v)
			}
		}
	}
	return out
}
