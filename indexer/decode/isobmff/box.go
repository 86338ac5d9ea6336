package isobmff

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
)

// Bounds of what is looked at: a picture of many tiles has thousands of items, and a
// stranger's file may have millions that say nothing.
const (
	mostBoxes        = 1 << 16 // of one list
	mostAssociations = 1 << 16 // of items with properties, of one file
	mostExtents      = 1 << 16 // of all items together
)

var errCut = errors.New("it is cut off")

// fields reads big-endian numbers one after the other. After the first that
// is not there all are zero, and err says so.
type fields struct {
	data []byte
	err  error
}

// take returns the next n bytes, nil if there are fewer.
func (f *fields) take(n int) []byte {
	if f.err != nil || n > len(f.data) {
		f.err = errCut
		return nil
	}
	taken := f.data[:n]
	f.data = f.data[n:]
	return taken
}

func (f *fields) number(bytes int) uint64 {
	var v uint64
	for _, b := range f.take(bytes) {
		v = v<<8 | uint64(b)
	}
	return v
}

// version reads the version and the flags of a full box.
func (f *fields) version() (version byte, flags uint32) {
	v := uint32(f.number(4))
	return byte(v >> 24), v & 0xFFFFFF
}

// box is a part of the file with a type of four letters.
type box struct {
	kind string
	body []byte
}

// boxes goes over those that data consists of, the first mostBoxes, as far as they are
// whole. The last may say that it goes to the end.
func boxes(data []byte) iter.Seq[box] {
	return func(yield func(box) bool) {
		for range mostBoxes {
			b, rest, ok := nextBox(data)
			if !ok || !yield(b) {
				return
			}
			data = rest
		}
	}
}

// nextBox takes the first box of data off, if it is whole.
func nextBox(data []byte) (b box, rest []byte, ok bool) {
	if len(data) < 8 {
		return box{}, nil, false
	}
	size, header := uint64(binary.BigEndian.Uint32(data)), uint64(8)
	switch {
	case size == 0:
		size = uint64(len(data))
	case size == 1 && len(data) >= 16:
		size, header = binary.BigEndian.Uint64(data[8:]), 16
	}
	if size < header || size > uint64(len(data)) {
		return box{}, nil, false
	}
	return box{string(data[4:8]), data[header:size]}, data[size:], true
}

// child returns the body of the first box of a kind.
func child(data []byte, kind string) ([]byte, error) {
	for b := range boxes(data) {
		if b.kind == kind {
			return b.body, nil
		}
	}
	return nil, fmt.Errorf("it has no whole box %q", kind)
}
