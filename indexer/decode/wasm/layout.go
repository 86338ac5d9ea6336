package wasm

import "encoding/binary"

// layout is how the planes of a picture lie in the memory of libheif, one after the other.
type layout struct {
	planes []plane
	// deep says that samples have 16 bits: libheif is asked for 8, but leaves pictures
	// alone whose colours it does not have to convert for another reason, such as grey.
	deep bool
}

// plane has so many samples for each pixel, and takes rows of 8 bits.
type plane struct {
	width, rows, perPixel int
	take                  func(y int, row []byte)
}

// planeOf is a plane of one sample for each pixel.
func planeOf(pix []byte, stride int) plane {
	return plane{stride, len(pix) / stride, 1, func(y int, row []byte) { copy(pix[y*stride:][:stride], row) }}
}

// padded is the length of a row of a plane as libheif lays it out: for an even number of
// pixels, at least 64, and a multiple of 16 bytes.
func (l layout) padded(p plane) int {
	bytes := max(64, (p.width+1)&^1) * p.perPixel
	if l.deep {
		bytes *= 2
	}
	return (bytes + 15) &^ 15
}

func (l layout) size() int64 {
	var n int64
	for _, plane := range l.planes {
		n += int64(l.padded(plane)) * int64(plane.rows)
	}
	return n
}

// noSample is a value of 16 bits that no sample has: HEVC leaves upper bits zero.
const noSample = 0xFFFF

// mark puts it where a deep layout has its last sample.
func (l layout) mark(memory []byte) {
	if l.deep && memory != nil {
		binary.LittleEndian.PutUint16(l.last(memory), noSample)
	}
}

// marked reports whether it is still there.
func (l layout) marked(memory []byte) bool {
	return memory == nil || binary.LittleEndian.Uint16(l.last(memory)) == noSample
}

func (l layout) last(memory []byte) []byte {
	p := l.planes[len(l.planes)-1]
	return memory[len(memory)-l.padded(p)+2*(p.width*p.perPixel-1):]
}

// fill takes the pixels, of deep ones the highest bits.
func (l layout) fill(from []byte, bits int) {
	if from == nil {
		return
	}
	for _, plane := range l.planes {
		row := make([]byte, plane.width*plane.perPixel)
		for y := range plane.rows {
			if l.deep {
				keepHigh(row, from, bits-8)
			} else {
				copy(row, from)
			}
			plane.take(y, row)
			from = from[l.padded(plane):]
		}
	}
}

// keepHigh shifts little-endian samples of 16 bits.
func keepHigh(to, from []byte, shift int) {
	for i := range to {
		to[i] = byte(binary.LittleEndian.Uint16(from[2*i:]) >> shift)
	}
}
