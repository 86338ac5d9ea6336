package mend

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"hash"
	"hash/adler32"
	"hash/crc32"
	"io"

	"polylens/indexer/decode/raster"
)

// PNG reads a mended PNG. It keeps the data that it was made of.
type PNG struct {
	*chunks
	ready  bytes.Buffer // to be read next
	pixels io.Reader    // not compressed
	stored *bufio.Reader
	sum    hash.Hash32 // of the pixels that are written
	length int64       // of the pixels
	row    int64       // length of each row, 1 where they differ
	made   int64       // of them, so far
	real   int64       // of those, from the data
	cut    error       // why no more are real
	wrong  bool        // the checksum of the pixels
	done   bool
}

// NewPNG returns a reader of the mended picture. Nothing can be mended of a file that
// it returns an error for.
func NewPNG(data []byte) (*PNG, error) {
	c, err := readChunks(data)
	if err != nil {
		return nil, err
	}
	p := &PNG{chunks: c, sum: adler32.New()}
	if p.length, err = c.length(); err != nil {
		return nil, err
	}
	if p.row = 1; c.header[12] == 0 {
		p.row = p.length / int64(binary.BigEndian.Uint32(c.header[4:]))
	}
	p.stored = bufio.NewReader(c.compressed())
	if _, err := p.stored.Discard(2); err != nil { // the header of zlib
		return nil, errors.New("it has no pixels")
	}
	p.pixels = flate.NewReader(p.stored)
	p.ready.WriteString(signature)
	p.write("IHDR", c.header)
	if len(c.palette) > 0 && (c.header[9] == paletted || c.header[9] == trueColor || c.header[9] == rgba) {
		p.write("PLTE", c.palette)
	}
	if t := c.fitting(); len(t) > 0 {
		p.write("tRNS", t)
	}
	return p, nil
}

// write adds a chunk.
func (p *PNG) write(kind string, content ...[]byte) {
	length, sum := 0, crc32.ChecksumIEEE([]byte(kind))
	for _, part := range content {
		length += len(part)
		sum = crc32.Update(sum, crc32.IEEETable, part)
	}
	p.ready.Write(binary.BigEndian.AppendUint32(nil, uint32(length)))
	p.ready.WriteString(kind)
	for _, part := range content {
		p.ready.Write(part)
	}
	p.ready.Write(binary.BigEndian.AppendUint32(nil, sum))
}

// Read implements io.Reader.
func (p *PNG) Read(b []byte) (int, error) {
	if p.ready.Len() == 0 {
		if p.done {
			return 0, io.EOF
		}
		p.next()
	}
	return p.ready.Read(b)
}

// next makes a chunk of pixels that are stored, not compressed.
func (p *PNG) next() {
	var zlibHeader, trailer []byte
	if p.made == 0 {
		zlibHeader = []byte{0x78, 0x01}
	}
	pixels := p.take(make([]byte, min(p.atOnce(), p.length-p.made)))
	last := byte(0)
	if p.made == p.length {
		last, p.done = 1, true
		trailer = binary.BigEndian.AppendUint32(nil, p.sum.Sum32())
	}
	size := uint16(len(pixels))
	block := []byte{last, byte(size), byte(size >> 8), byte(^size), byte(^size >> 8)}
	p.write("IDAT", zlibHeader, block, pixels, trailer)
	if p.done {
		p.write("IEND")
		p.finish()
	}
}

// atOnce is how many bytes a chunk has: whole rows, if they have one length and it is not
// too long.
func (p *PNG) atOnce() int64 {
	const most = 65535
	if p.row > most {
		return most
	}
	return most / p.row * p.row
}

// take fills b with pixels: those of the data, then zeros. Of a row that is not whole
// nothing is taken: its filter would make colours of the zeros.
func (p *PNG) take(b []byte) []byte {
	if p.cut == nil {
		var n int
		if n, p.cut = io.ReadFull(p.pixels, b); p.cut != nil && p.row <= int64(len(b)) {
			whole := n / int(p.row) * int(p.row)
			clear(b[whole:n])
			n = whole
		}
		p.real += int64(n)
	}
	p.made += int64(len(b))
	p.sum.Write(b)
	return b
}

// finish compares the checksum of zlib where the data have one.
func (p *PNG) finish() {
	if p.cut != nil {
		return
	}
	if n, _ := p.pixels.Read(make([]byte, 1)); n > 0 {
		return // more pixels than there should be: no checksum to compare
	}
	var want [4]byte
	if _, err := io.ReadFull(p.stored, want[:]); err == nil {
		p.wrong = binary.BigEndian.Uint32(want[:]) != p.sum.Sum32()
	}
}

// Missing says what the picture lacks, once all of it has been read: nil for nothing,
// a *raster.Incomplete for pixels, another error for pixels that may be wrong.
func (p *PNG) Missing() error {
	switch {
	case p.real < p.length:
		where := "lower"
		if p.header[12] != 0 {
			where = ""
		}
		ended := errors.Is(p.cut, io.ErrUnexpectedEOF) || errors.Is(p.cut, io.EOF)
		return &raster.Incomplete{Missing: float64(p.length-p.real) / float64(p.length), Where: where, Damaged: !ended}
	case p.wrong:
		return errWrong
	}
	return nil
}

var errWrong = errors.New("the file is damaged: its checksum says that some pixels are wrong")
