package ico

import (
	"bytes"
	"encoding/binary"
	"errors"

	"polylens/indexer/decode/raster"
)

// Picture is one of an icon.
type Picture struct {
	Data []byte // a PNG, or a bitmap without file header
	PNG  bool

	width, height, bits int
}

// Largest returns the picture with the most pixels, and of those the one with the most
// colours.
func Largest(data []byte) (Picture, error) {
	r := &raster.Reader{Data: data, Order: binary.LittleEndian}
	r.Skip(2)
	kind, count := r.Uint16(), r.Uint16()
	var largest Picture
	for range count {
		if p, ok := readEntry(r, kind); ok && p.more(largest) {
			largest = p
		}
		if r.Short {
			break
		}
	}
	if largest.Data == nil {
		return Picture{}, errors.New("it has no picture")
	}
	return largest, nil
}

// readEntry reads an entry of the directory. It returns false for a picture that does
// not lie in the file.
func readEntry(r *raster.Reader, kind int) (Picture, bool) {
	const cursor = 2
	p := Picture{width: int(r.Byte()), height: int(r.Byte())}
	r.Skip(4)
	p.bits = r.Uint16()
	if kind == cursor { // where it points to
		p.bits = 0
	}
	size, at := int64(r.Uint32()), int64(r.Uint32())
	if r.Short || at >= int64(len(r.Data)) || size == 0 {
		return Picture{}, false
	}
	p.width, p.height = orMost(p.width), orMost(p.height)
	p.Data = r.Data[at:min(at+size, int64(len(r.Data)))]
	p.PNG = bytes.HasPrefix(p.Data, []byte("\x89PNG"))
	return p, true
}

// orMost is a side, of which 0 stands for 256.
func orMost(side int) int {
	if side == 0 {
		return 256
	}
	return side
}

func (p Picture) more(than Picture) bool {
	a, b := p.width*p.height, than.width*than.height
	return a > b || a == b && p.bits > than.bits
}
