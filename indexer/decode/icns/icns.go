package icns

import (
	"bytes"
	"encoding/binary"
	"errors"

	"polylens/indexer/decode/raster"
)

// headLength is that of the file's head and of each element's: a name and a length.
const headLength = 8

// sides are the widths in pixels of the elements that may hold a PNG or JPEG 2000.
var sides = map[string]int{
	"icp4": 16, "icp5": 32, "icp6": 64, "ic07": 128, "ic08": 256, "ic09": 512, "ic10": 1024,
	"ic11": 32, "ic12": 64, "ic13": 256, "ic14": 512,
}

// Largest returns the PNG or JPEG 2000 picture of the most pixels, by the names of the
// elements; of equals the first. One that is cut off is returned as far as it goes.
func Largest(data []byte) (picture []byte, err error) {
	r := &raster.Reader{Data: data, Order: binary.BigEndian}
	r.Skip(headLength)
	most, elements := 0, 0
	for len(data)-r.At > headLength {
		name, length := r.Take(4), int64(r.Uint32())
		if length < headLength {
			break
		}
		content := data[r.At:min(int64(r.At)+length-headLength, int64(len(data)))]
		r.Skip(length - headLength)
		elements++
		if side := sides[string(name)]; side > most && isPicture(content) {
			picture, most = content, side
		}
	}
	switch {
	case elements == 0:
		return nil, errors.New("it has no picture")
	case picture == nil:
		return nil, raster.Unsupported("an icon (ICNS) with neither PNG nor JPEG 2000 in it")
	}
	return picture, nil
}

func isPicture(data []byte) bool {
	for _, magic := range []string{"\x89PNG\r\n\x1a\n", "\x00\x00\x00\x0cjP  \r\n\x87\n", "\xff\x4f\xff\x51"} {
		if bytes.HasPrefix(data, []byte(magic)) {
			return true
		}
	}
	return false
}
