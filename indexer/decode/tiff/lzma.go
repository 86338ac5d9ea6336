package tiff

import (
	"bytes"
	"encoding/binary"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// chain is what the block of an .xz stream went through.
type chain struct {
	distance   int // of the differences of bytes before LZMA2; 0: none
	dictionary int // of LZMA2, bytes
	data       []byte
}

// unLZMA reads the first block of an .xz stream. libtiff puts a filter of differences
// before LZMA2, which the reader of streams in ulikunitz/xz does not know; and that reader
// would take as much memory for the dictionary as the file asks.
func (d *decoder) unLZMA(out, data []byte) (int, error) {
	c, err := openXZ(data)
	if err != nil {
		return 0, err
	}
	// No match reaches farther back than the segment is long.
	size := max(min(c.dictionary, len(out)), lzma.MinDictCap)
	r, err := lzma.Reader2Config{DictCap: size}.NewReader2(bytes.NewReader(c.data))
	if err != nil {
		return 0, err
	}
	n, err := readFull(d.ctx, r, out)
	if c.distance > 0 {
		sumBytes(out[:n], c.distance)
	}
	return n, err
}

// openXZ reads the headers of stream and block ("The .xz File Format", 1.1.0, sections 2.1.1
// and 3.1). Checksums are not looked at.
func openXZ(data []byte) (chain, error) {
	const streamHeader, hasSizes = 12, 0xC0
	if len(data) < streamHeader+2 || string(data[:6]) != "\xfd7zXZ\x00" {
		return chain{}, malformed("its LZMA data are not an .xz stream")
	}
	length := (int(data[streamHeader]) + 1) * 4
	if len(data) < streamHeader+length {
		return chain{}, io.ErrUnexpectedEOF
	}
	header := data[streamHeader:][:length]
	flags, rest := header[1], header[2:]
	for sizes := flags & hasSizes; sizes != 0; sizes <<= 1 {
		if sizes&0x80 != 0 {
			_, rest = nextNumber(rest)
		}
	}
	c := chain{data: data[streamHeader+length:]}
	for range flags&3 + 1 {
		var id, n uint64
		id, rest = nextNumber(rest)
		n, rest = nextNumber(rest)
		if n != 1 || len(rest) < 1 {
			return chain{}, unsupported("LZMA filter %d", id)
		}
		if err := c.add(id, rest[0]); err != nil {
			return chain{}, err
		}
		rest = rest[1:]
	}
	if c.dictionary == 0 {
		return chain{}, malformed("its LZMA data lack LZMA2")
	}
	return c, nil
}

// add takes over a filter and its one byte of properties.
func (c *chain) add(id uint64, property byte) error {
	const differences, lzma2 = 0x03, 0x21
	switch {
	case id == differences && c.distance == 0:
		c.distance = int(property) + 1
	case id == lzma2 && property <= 40:
		c.dictionary = int(min((2|uint64(property)&1)<<(property/2+11), lzma.MaxDictCap))
	default:
		return unsupported("LZMA filter %d", id)
	}
	return nil
}

// nextNumber reads a number of variable length; 0 where there is none.
func nextNumber(data []byte) (uint64, []byte) {
	v, n := binary.Uvarint(data)
	if n <= 0 {
		return 0, nil
	}
	return v, data[n:]
}
