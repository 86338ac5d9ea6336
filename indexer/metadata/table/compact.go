package table

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The types of Thrift's compact protocol.
const (
	compactStop   = 0
	compactTrue   = 1
	compactFalse  = 2
	compactByte   = 3
	compactI16    = 4
	compactI32    = 5
	compactI64    = 6
	compactDouble = 7
	compactBinary = 8
	compactList   = 9
	compactSet    = 10
	compactStruct = 12

	maxNesting  = 32
	maxElements = 200_000 // of lists, in one structure
)

var errCut = errors.New("it is cut off or damaged")

// compact reads a structure of Thrift's compact protocol, in which Parquet keeps what
// it says of itself, without allocating anything for what the structure claims.
type compact struct {
	data     []byte
	at       int
	elements int
	// number is called for every whole number and truth value with the IDs of the
	// fields that lead to it; those in lists are not told.
	number func(path []int16, value int64)
}

// read reads one structure and returns its length in bytes.
func (c *compact) read() (int, error) {
	err := c.structure(nil)
	return c.at, err
}

func (c *compact) byte() (byte, error) {
	if c.at >= len(c.data) {
		return 0, errCut
	}
	c.at++
	return c.data[c.at-1], nil
}

func (c *compact) varint() (uint64, error) {
	value, n := binary.Uvarint(c.data[c.at:])
	if n <= 0 {
		return 0, errCut
	}
	c.at += n
	return value, nil
}

func zigzag(value uint64) int64 { return int64(value>>1) ^ -int64(value&1) }

func (c *compact) structure(path []int16) error {
	if len(path) > maxNesting {
		return errCut
	}
	last := int16(0)
	for {
		head, err := c.byte()
		if err != nil || head == compactStop {
			return err
		}
		if head>>4 != 0 {
			last += int16(head >> 4)
		} else {
			id, err := c.varint()
			if err != nil {
				return err
			}
			last = int16(zigzag(id))
		}
		if err := c.value(head&15, append(path, last), true); err != nil {
			return err
		}
	}
}

// value reads a value. The truth value of a field stands in its type, that of an
// element of a list in a byte.
func (c *compact) value(kind byte, path []int16, field bool) error {
	switch kind {
	case compactTrue, compactFalse:
		if field {
			c.tell(path, int64(2-kind))
			return nil
		}
		return c.skip(1)
	case compactByte:
		return c.skip(1)
	case compactI16, compactI32, compactI64:
		value, err := c.varint()
		if field {
			c.tell(path, zigzag(value))
		}
		return err
	case compactDouble:
		return c.skip(8)
	case compactBinary:
		size, err := c.varint()
		if err != nil {
			return err
		}
		return c.skip(size)
	case compactList, compactSet:
		return c.list(path)
	case compactStruct:
		return c.structure(path)
	}
	return fmt.Errorf("it has a value of the unknown type %d", kind) // Parquet has no maps
}

func (c *compact) tell(path []int16, value int64) {
	if c.number != nil {
		c.number(path, value)
	}
}

func (c *compact) skip(n uint64) error {
	if n > uint64(len(c.data)-c.at) {
		return errCut
	}
	c.at += int(n)
	return nil
}

func (c *compact) list(path []int16) error {
	head, err := c.byte()
	if err != nil {
		return err
	}
	count := uint64(head >> 4)
	if count == 15 {
		if count, err = c.varint(); err != nil {
			return err
		}
	}
	if count > maxElements || c.elements+int(count) > maxElements {
		return fmt.Errorf("what it says of itself has more than %d parts", maxElements)
	}
	c.elements += int(count)
	for range count {
		if err := c.value(head&15, append(path, 0), false); err != nil {
			return err
		}
	}
	return nil
}
