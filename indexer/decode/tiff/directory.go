package tiff

import (
	"encoding/binary"
	"math"
)

// file is the bytes of a TIFF and how its numbers are stored.
type file struct {
	data  []byte
	order binary.ByteOrder
	big   bool // BigTIFF: 64-bit offsets
}

// mostEntries is how many entries of one directory are looked at.
const mostEntries = 1 << 12

// open reads the header and returns where the first directory stands.
func open(data []byte) (file, uint64, error) {
	f := file{data: data, order: binary.LittleEndian}
	if len(data) < 8 {
		return file{}, 0, malformed("it ends within its header")
	}
	if data[0] == 'M' {
		f.order = binary.BigEndian
	}
	const classic, bigTIFF = 42, 43
	switch version := f.order.Uint16(data[2:]); {
	case string(data[:2]) != "II" && string(data[:2]) != "MM", version != classic && version != bigTIFF:
		return file{}, 0, malformed("it begins with %q", data[:4])
	case version == classic:
		return f, uint64(f.order.Uint32(data[4:])), nil
	}
	f.big = true
	const offsetSize = 8
	if len(data) < 16 || f.order.Uint16(data[4:]) != offsetSize {
		return file{}, 0, malformed("its header is not that of a BigTIFF")
	}
	return f, f.order.Uint64(data[8:]), nil
}

// from returns the data from an offset on; none beyond the end.
func (f file) from(offset uint64) []byte {
	return f.data[min(offset, uint64(len(f.data))):]
}

// slice is at most n bytes from an offset on, fewer where the file ends.
func (f file) slice(offset, n uint64) []byte {
	rest := f.from(offset)
	return rest[:min(n, uint64(len(rest)))]
}

// directory is one image file directory. A tag that is absent has no values.
type directory struct {
	tags map[uint16]values
	next uint64 // where the next directory stands; 0: nowhere
}

// directory reads the directory at an offset, as far as the file goes.
func (f file) directory(offset uint64) (directory, error) {
	rest := f.from(offset)
	var count uint64
	entrySize, countSize := 12, 2
	if f.big {
		entrySize, countSize = 20, 8
	}
	if offset == 0 || len(rest) < countSize+entrySize {
		return directory{}, malformed("its directory, at byte %d, is beyond its end: the file was cut off", offset)
	}
	if f.big {
		count = f.order.Uint64(rest)
	} else {
		count = uint64(f.order.Uint16(rest))
	}
	rest = rest[countSize:]
	d := directory{tags: map[uint16]values{}}
	for range min(count, mostEntries) {
		if len(rest) < entrySize {
			return d, nil
		}
		d.tags[f.order.Uint16(rest)] = f.entry(rest[:entrySize])
		rest = rest[entrySize:]
	}
	switch {
	case count > mostEntries: // not where rest begins
	case f.big && len(rest) >= 8:
		d.next = f.order.Uint64(rest)
	case !f.big && len(rest) >= 4:
		d.next = uint64(f.order.Uint32(rest))
	}
	return d, nil
}

// values are the numbers of one tag where they lie in the file.
type values struct {
	raw   []byte
	kind  uint16 // one of TIFF's types of numbers
	order binary.ByteOrder
}

// sizes are the bytes that a number of each type takes.
var sizes = [...]uint64{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8}

const (
	typeByte, typeASCII, typeShort, typeLong, typeRational          = 1, 2, 3, 4, 5
	typeSByte, typeUndefined, typeSShort, typeSLong, typeSRatio     = 6, 7, 8, 9, 10
	typeFloat, typeDouble, typeIFD, typeLong8, typeSLong8, typeIFD8 = 11, 12, 13, 16, 17, 18
)

// entry finds the values of a directory's entry: in it where they fit, else elsewhere.
// Of values that run beyond the end of the file only those before it count.
func (f file) entry(e []byte) values {
	v := values{kind: f.order.Uint16(e[2:]), order: f.order}
	if int(v.kind) >= len(sizes) || sizes[v.kind] == 0 {
		return values{}
	}
	size := sizes[v.kind]
	count, inline := uint64(f.order.Uint32(e[4:])), e[8:]
	if f.big {
		count, inline = f.order.Uint64(e[4:]), e[12:]
	}
	if count > math.MaxUint64/size {
		return values{}
	}
	switch n := count * size; {
	case n <= uint64(len(inline)):
		v.raw = inline[:n]
	case f.big:
		v.raw = f.slice(f.order.Uint64(inline), n)
	default:
		v.raw = f.slice(uint64(f.order.Uint32(inline)), n)
	}
	return v
}

func (v values) len() int {
	if v.kind == 0 {
		return 0
	}
	return len(v.raw) / int(sizes[v.kind])
}

// uint is the i-th value as a whole number; 0 where it is none.
func (v values) uint(i int) uint64 {
	if i >= v.len() {
		return 0
	}
	at := v.raw[i*int(sizes[v.kind]):]
	switch v.kind {
	case typeByte, typeUndefined:
		return uint64(at[0])
	case typeSByte:
		return uint64(max(int8(at[0]), 0))
	case typeShort:
		return uint64(v.order.Uint16(at))
	case typeSShort:
		return uint64(max(int16(v.order.Uint16(at)), 0))
	case typeLong, typeIFD:
		return uint64(v.order.Uint32(at))
	case typeSLong:
		return uint64(max(int32(v.order.Uint32(at)), 0))
	case typeLong8, typeIFD8:
		return v.order.Uint64(at)
	case typeSLong8:
		return uint64(max(int64(v.order.Uint64(at)), 0))
	}
	return uint64(max(v.float(i), 0))
}

// float is the i-th value; 0 where there is none.
func (v values) float(i int) float64 {
	if i >= v.len() {
		return 0
	}
	at := v.raw[i*int(sizes[v.kind]):]
	switch v.kind {
	case typeRational:
		return ratio(float64(v.order.Uint32(at)), float64(v.order.Uint32(at[4:])))
	case typeSRatio:
		return ratio(float64(int32(v.order.Uint32(at))), float64(int32(v.order.Uint32(at[4:]))))
	case typeFloat:
		return float64(math.Float32frombits(v.order.Uint32(at)))
	case typeDouble:
		return math.Float64frombits(v.order.Uint64(at))
	case typeSByte:
		return float64(int8(at[0]))
	case typeSShort:
		return float64(int16(v.order.Uint16(at)))
	case typeSLong:
		return float64(int32(v.order.Uint32(at)))
	case typeASCII:
		return 0
	}
	return float64(v.uint(i))
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// text is an ASCII value without what follows its end.
func (v values) text() string {
	for i, c := range v.raw {
		if c == 0 {
			return string(v.raw[:min(i, 64)])
		}
	}
	return string(v.raw[:min(len(v.raw), 64)])
}

// number is the first value of a tag, or fallback where it is absent. Numbers too large
// for any sensible use are math.MaxInt32.
func (d directory) number(tag uint16, fallback int) int {
	v := d.tags[tag]
	if v.len() == 0 {
		return fallback
	}
	return int(min(v.uint(0), math.MaxInt32))
}
