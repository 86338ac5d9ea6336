package onnxfile

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// message is the encoding of a protobuf message.
type message []byte

// field is one field of a message. integer is set for varints, content for
// everything else.
type field struct {
	number  protowire.Number
	wire    protowire.Type
	integer int64
	content message
}

// each calls visit for the fields of the message in their order. Unknown
// fields, wrong encodings and a second value of a field that does not repeat
// are errors: other parsers would skip, merge or overwrite them, and then
// what is checked here would not be what they read.
func (m message) each(known fields, visit func(field) error) error {
	var seen uint32
	for len(m) > 0 {
		f, size, err := next(m)
		if err != nil {
			return err
		}
		m = m[size:]
		kind, ok := known[f.number]
		if !ok {
			return fmt.Errorf("has the field %d, which ONNX 1.23 does not know", f.number)
		}
		if !kind.fits(f.wire) {
			return fmt.Errorf("has the field %d in the wrong encoding", f.number)
		}
		if bit := uint32(1) << f.number; kind&repeated == 0 {
			if seen&bit != 0 {
				return fmt.Errorf("has the field %d twice", f.number)
			}
			seen |= bit
		}
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}

// ignore is for messages that only need to be well formed.
func ignore(field) error { return nil }

// next decodes the first field of m and returns its size.
func next(m message) (field, int, error) {
	number, wire, tag := protowire.ConsumeTag(m)
	if tag < 0 {
		return field{}, 0, broken(tag)
	}
	f := field{number: number, wire: wire}
	rest := m[tag:]
	var size int
	switch wire {
	case protowire.VarintType:
		var value uint64
		value, size = protowire.ConsumeVarint(rest)
		f.integer = int64(value)
	case protowire.BytesType:
		f.content, size = protowire.ConsumeBytes(rest)
	case protowire.Fixed32Type, protowire.Fixed64Type:
		size = protowire.ConsumeFieldValue(number, wire, rest)
		if size >= 0 {
			f.content = rest[:size]
		}
	default:
		return field{}, 0, errors.New("is no ONNX model: it holds a protobuf group")
	}
	if size < 0 {
		return field{}, 0, broken(size)
	}
	return f, tag + size, nil
}

func broken(code int) error {
	return fmt.Errorf("is no ONNX model or cut short: %w", protowire.ParseError(code))
}

func (k kind) fits(wire protowire.Type) bool {
	switch k {
	case integer:
		return wire == protowire.VarintType
	case integers:
		return wire == protowire.VarintType || wire == protowire.BytesType
	case single:
		return wire == protowire.Fixed32Type
	case singles:
		return wire == protowire.Fixed32Type || wire == protowire.BytesType
	case doubles:
		return wire == protowire.Fixed64Type || wire == protowire.BytesType
	default:
		return wire == protowire.BytesType
	}
}

// name returns a string that names something.
func (f field) name() (string, error) {
	if len(f.content) > maxName {
		return "", fmt.Errorf("has a name of %d bytes, more than %d", len(f.content), maxName)
	}
	if !utf8.Valid(f.content) || bytes.IndexByte(f.content, 0) >= 0 {
		return "", fmt.Errorf("has the name %q, which is no UTF-8 or holds a NUL", f.content)
	}
	return string(f.content), nil
}

// int32 returns a number that other parsers would cut to 32 bits.
func (f field) int32() (int32, error) {
	if f.integer < math.MinInt32 || f.integer > math.MaxInt32 {
		return 0, fmt.Errorf("has the number %d where 32 bits are read", f.integer)
	}
	return int32(f.integer), nil
}

// eachInteger calls visit for the values of a repeated integer field.
func (f field) eachInteger(visit func(int64) error) error {
	if f.wire == protowire.VarintType {
		return visit(f.integer)
	}
	for rest := f.content; len(rest) > 0; {
		value, size := protowire.ConsumeVarint(rest)
		if size < 0 {
			return broken(size)
		}
		if err := visit(int64(value)); err != nil {
			return err
		}
		rest = rest[size:]
	}
	return nil
}

// fixed counts the values of a repeated field of numbers of the given size.
func (f field) fixed(size int) (int64, error) {
	if len(f.content)%size != 0 {
		return 0, fmt.Errorf("has %d bytes of numbers that take %d each", len(f.content), size)
	}
	return int64(len(f.content) / size), nil
}
