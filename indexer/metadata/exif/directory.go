package exif

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"polylens/indexer/metadata"
)

// block is a TIFF structure.
type block struct {
	data  []byte
	order binary.ByteOrder
	big   bool // BigTIFF: counts and offsets have eight bytes
}

var errNotTIFF = errors.New("it does not begin as TIFF does")

// open returns the structure and the offset of its first directory.
func open(data []byte) (block, uint64, error) {
	if len(data) < 16 {
		return block{}, 0, errNotTIFF
	}
	b := block{data: data, order: binary.LittleEndian}
	switch string(data[:2]) {
	case "II":
	case "MM":
		b.order = binary.BigEndian
	default:
		return block{}, 0, errNotTIFF
	}
	switch b.order.Uint16(data[2:]) {
	case 42:
		return b, uint64(b.order.Uint32(data[4:])), nil
	case 43:
		b.big = true
		return b, b.order.Uint64(data[8:]), nil
	}
	return block{}, 0, errNotTIFF
}

// field is one entry of a directory: count values of a type.
type field struct {
	kind  uint16
	count uint64
	data  []byte // of the values; nil if they lie outside of the block
	order binary.ByteOrder
}

// directory is the fields by tag, the first of each.
type directory map[uint16]field

// sizes of a value of each type, in bytes.
var sizes = [...]uint64{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}

// read returns the entries of the directory at an offset, as far as they are there.
func (b block) read(at uint64) (directory, error) {
	entry, head, inline := uint64(12), uint64(2), uint64(4)
	if b.big {
		entry, head, inline = 20, 8, 8
	}
	length := uint64(len(b.data))
	if at > length || length-at < head {
		return nil, fmt.Errorf("a directory lies outside of it")
	}
	count := uint64(b.order.Uint16(b.data[at:]))
	if b.big {
		count = b.order.Uint64(b.data[at:])
	}
	found := make(directory)
	rest := b.data[at+head:]
	for range count {
		if uint64(len(rest)) < entry {
			return found, errors.New("a directory is cut off")
		}
		tag := b.order.Uint16(rest)
		if _, ok := found[tag]; !ok {
			found[tag] = b.field(rest[:entry], inline)
		}
		rest = rest[entry:]
	}
	return found, nil
}

func (b block) field(entry []byte, inline uint64) field {
	f := field{kind: b.order.Uint16(entry[2:]), order: b.order}
	place := entry[8:]
	if b.big {
		f.count, place = b.order.Uint64(entry[4:]), entry[12:]
	} else {
		f.count = uint64(b.order.Uint32(entry[4:]))
	}
	if int(f.kind) >= len(sizes) || sizes[f.kind] == 0 || f.count > uint64(len(b.data)) {
		return f
	}
	size := f.count * sizes[f.kind]
	if size <= inline {
		f.data = place[:size]
		return f
	}
	at := uint64(b.order.Uint32(place))
	if b.big {
		at = b.order.Uint64(place)
	}
	if at <= uint64(len(b.data)) && size <= uint64(len(b.data))-at {
		f.data = b.data[at : at+size]
	}
	return f
}

// numbers are the values of a field, which may be of any type of number. A fraction
// with 0 below is no number.
func (f field) numbers(most int) []float64 {
	var numbers []float64
	size := 0
	if int(f.kind) < len(sizes) {
		size = int(sizes[f.kind])
	}
	for data := f.data; size > 0 && len(data) >= size && len(numbers) < most; data = data[size:] {
		numbers = append(numbers, f.number(data))
	}
	return numbers
}

func (f field) number(data []byte) float64 {
	switch f.kind {
	case 1, 7:
		return float64(data[0])
	case 3:
		return float64(f.order.Uint16(data))
	case 4, 13:
		return float64(f.order.Uint32(data))
	case 5:
		return ratio(float64(f.order.Uint32(data)), float64(f.order.Uint32(data[4:])))
	case 6:
		return float64(int8(data[0]))
	case 8:
		return float64(int16(f.order.Uint16(data)))
	case 9:
		return float64(int32(f.order.Uint32(data)))
	case 10:
		return ratio(float64(int32(f.order.Uint32(data))), float64(int32(f.order.Uint32(data[4:]))))
	case 11:
		return float64(math.Float32frombits(f.order.Uint32(data)))
	case 12:
		return math.Float64frombits(f.order.Uint64(data))
	case 16, 18:
		return float64(f.order.Uint64(data))
	case 17:
		return float64(int64(f.order.Uint64(data)))
	}
	return math.NaN()
}

func ratio(upper, lower float64) float64 {
	if lower == 0 {
		return math.NaN()
	}
	return upper / lower
}

// short is the data up to a length beyond which no text is kept.
func (f field) short() []byte { return f.data[:min(len(f.data), metadata.MaxValue)] }

// text is that of a field, in UTF-8 or Latin-1, up to the first NUL.
func (f field) text() string {
	data := f.short()
	for i, b := range data {
		if b == 0 {
			data = data[:i]
			break
		}
	}
	return metadata.Decode(data)
}
