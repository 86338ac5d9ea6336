package orientation

import "encoding/binary"

const (
	orientationTag = 0x0112
	xmpTag         = 700
)

// directory is what is of interest in the first directory of a TIFF structure.
type directory struct {
	orientation int // as it stands there
	found       bool
	xmp         []byte
}

// byteOrder is that of a TIFF structure; nil is for data that is none. The number
// after the two letters is accepted in either order, as some writers have it.
func byteOrder(data []byte) binary.ByteOrder {
	if len(data) < 8 {
		return nil
	}
	switch string(data[2:4]) {
	case "*\x00", "\x00*", "+\x00", "\x00+":
	default:
		return nil
	}
	switch string(data[:2]) {
	case "II":
		return binary.LittleEndian
	case "MM":
		return binary.BigEndian
	}
	return nil
}

// layout is how wide the numbers of a directory are: those of TIFF, or of BigTIFF.
type layout struct{ offset, count, entry int }

// readDirectory takes what is whole of the directory.
func readDirectory(data []byte) directory {
	var d directory
	order := byteOrder(data)
	if order == nil {
		return d
	}
	wide, start := layout{4, 2, 12}, int64(order.Uint32(data[4:]))
	if data[2] == '+' || data[3] == '+' {
		if len(data) < 16 {
			return d
		}
		wide, start = layout{8, 8, 20}, int64(order.Uint64(data[8:]))
	}
	if start < 0 || start > int64(len(data)-wide.count) {
		return d
	}
	entries := data[start+int64(wide.count):]
	for range number(order, data[start:], wide.count) {
		if len(entries) < wide.entry {
			break
		}
		d.read(order, data, entries[:wide.entry], wide)
		entries = entries[wide.entry:]
	}
	return d
}

func number(order binary.ByteOrder, data []byte, size int) uint64 {
	switch size {
	case 1:
		return uint64(data[0])
	case 2:
		return uint64(order.Uint16(data))
	case 4:
		return uint64(order.Uint32(data))
	}
	return order.Uint64(data)
}

// sizes are those of the types: BYTE, ASCII, SHORT, LONG, RATIONAL, SBYTE, UNDEFINED,
// SSHORT, SLONG, and others up to those of BigTIFF.
var sizes = [...]int{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}

// integers are the types of which a number can be.
var integers = [...]bool{1: true, 3: true, 4: true, 6: true, 8: true, 9: true, 16: true, 17: true}

// read takes an entry. Of several numbers the first counts, of several entries the last.
func (d *directory) read(order binary.ByteOrder, data, entry []byte, wide layout) {
	tag, kind := order.Uint16(entry), int(order.Uint16(entry[2:]))
	if tag != orientationTag && tag != xmpTag || kind >= len(sizes) || sizes[kind] == 0 {
		return
	}
	value := valueOf(order, data, entry, wide, sizes[kind])
	switch {
	case len(value) == 0:
	case tag == xmpTag:
		d.xmp = value
	case kind < len(integers) && integers[kind]:
		v := number(order, value, sizes[kind])
		d.orientation, d.found = int(min(v, 9)), true // 9 stands for all that do not exist
	}
}

// valueOf is the value in bytes, within the entry or elsewhere; nil if it is not there.
func valueOf(order binary.ByteOrder, data, entry []byte, wide layout, size int) []byte {
	count := number(order, entry[4:], wide.offset)
	field := entry[4+wide.offset:]
	if count > uint64(len(data)/size) {
		return nil
	}
	length := int(count) * size
	if length <= wide.offset {
		return field[:length]
	}
	at := number(order, field, wide.offset)
	if at > uint64(len(data)-length) {
		return nil
	}
	return data[at:][:length]
}
