package reduced

import (
	"bytes"
	"encoding/binary"
)

const (
	// longestBlock bounds the bytes taken for a block: 64 codes of 16 bits, with
	// values of up to 15, and eight ahead.
	longestBlock = 64*31/8 + 8
	// margin is how many zeros follow the data: enough for a block that begins at
	// their end.
	margin = longestBlock + 16
	// chunk is how many bytes are made ready at a time.
	chunk = 1 << 15
)

// coded is the data of the scan, and how far reading has come.
type coded struct {
	rest   []byte // not yet made ready
	ready  []byte // without the zeros stuffed in behind 0xFF (ITU-T T.81, B.1.1.5); behind the end, a margin
	end    int
	marker bool // the end is at a marker, or that of the data; rest begins there
	position
}

// position is how far reading has come in what is ready.
type position struct {
	next int    // byte to take next
	bits uint64 // those that were taken, the first at the top
	have uint   // how many of them are still to be read, at most 63
}

// filled takes more bytes, so that at least 56 bits can be read.
func (p position) filled(data []byte) position {
	p.bits |= binary.BigEndian.Uint64(data[p.next:p.next+8:p.next+8]) >> (p.have & 63)
	p.next += int(63-p.have) >> 3
	p.have |= 56
	return p
}

func (p position) after(bits uint) position {
	p.bits, p.have = p.bits<<(bits&63), p.have-bits
	return p
}

// read is how many bits were read.
func (p position) read() int { return 8*p.next - int(p.have) }

// start begins at the start of data, or behind a marker.
func (c *coded) start(data []byte) {
	*c = coded{rest: data, ready: c.ready[:0]}
	c.prepare()
}

// pass goes on behind a marker, which must be the next to be read but for the
// bits that fill up the byte before it.
func (c *coded) pass(marker byte) bool {
	c.prepare()
	if !c.marker || c.read() <= 8*(c.end-1) || c.read() > 8*c.end || len(c.rest) < 2 || c.rest[1] != marker {
		return false
	}
	c.start(c.rest[2:])
	return true
}

// prepare makes the next bytes ready, unless a marker comes first.
func (c *coded) prepare() {
	if c.marker {
		return
	}
	from := min(c.next, c.end)
	c.ready = append(c.ready[:0], c.ready[from:c.end]...)
	c.next -= from
	for len(c.ready) < chunk && !c.marker {
		c.piece()
	}
	c.end = len(c.ready)
	c.ready = append(c.ready, zeros[:]...)
}

var zeros [margin]byte

// piece makes the bytes up to the next 0xFF ready.
func (c *coded) piece() {
	piece := c.rest[:min(len(c.rest), chunk)]
	at := bytes.IndexByte(piece, 0xFF)
	switch {
	case at < 0:
		c.ready, c.rest = append(c.ready, piece...), c.rest[len(piece):]
		c.marker = len(c.rest) == 0
	case at+1 < len(c.rest) && c.rest[at+1] == 0:
		c.ready, c.rest = append(c.ready, piece[:at+1]...), c.rest[at+2:]
	default:
		c.ready, c.rest = append(c.ready, piece[:at]...), c.rest[at:]
		c.marker = true
	}
}
