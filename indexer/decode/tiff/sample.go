package tiff

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// levels are the bytes that samples of at most 8 bits become: indexes of a palette stay as
// they are, a sign of 8 bits is overlooked as by Pillow, all else is scaled.
func (p *page) levels() []byte {
	if p.bits > 8 {
		return nil
	}
	out := make([]byte, 1<<p.bits)
	most := len(out) - 1
	for v := range out {
		switch {
		case p.photometric == palette || p.bits == 8:
			out[v] = byte(v)
		case p.format == signedInteger && p.bits > 1:
			if v <= most/2 {
				out[v] = byte(v * 255 / (most / 2))
			}
		default:
			out[v] = byte(v * 255 / most)
		}
	}
	return out
}

// unpack makes bytes of the first n samples of a row: their high bits. Signed ones are
// black where they are negative.
func (d *decoder) unpack(row []byte, n int) []byte {
	if d.bits == 8 {
		return row[:n]
	}
	d.row = slices.Grow(d.row[:0], n)[:n]
	out := d.row
	switch {
	case d.bits == 16 && d.format == unsignedInteger:
		high := 0
		if d.order == binary.LittleEndian {
			high = 1
		}
		for i, row := 0, row[high:]; i < n; i++ {
			out[i] = row[2*i]
		}
	case d.bits <= 8:
		d.unpackLevels(out, row)
	default:
		d.unpackWide(out, row)
	}
	return out
}

// unpackLevels is for samples of less than 8 bits.
func (d *decoder) unpackLevels(out, row []byte) {
	var have, value uint
	width, mask := uint(d.bits), uint(1)<<d.bits-1
	for i := range out {
		if have < width {
			value = value<<8 | uint(row[0])
			row, have = row[1:], have+8
		}
		have -= width
		out[i] = d.levels[value>>have&mask]
	}
}

// unpackWide is for samples of 9 to 16 bits.
func (d *decoder) unpackWide(out, row []byte) {
	shift := d.bits - 8
	if d.format == signedInteger {
		shift--
	}
	for i := range out {
		out[i] = byte(d.positive(row, i) >> shift)
	}
}

// wholeNumber is the i-th sample of a row. Whole bytes are in the order of the file, all
// else is packed from the high bit on.
func (d *decoder) wholeNumber(row []byte, i int) uint64 {
	var v uint64
	if d.bits%8 == 0 {
		size := d.bits / 8
		at := row[i*size:][:size]
		for k := range at {
			if d.order == binary.LittleEndian {
				v = v<<8 | uint64(at[size-1-k])
			} else {
				v = v<<8 | uint64(at[k])
			}
		}
		return v
	}
	for first, k := i*d.bits, 0; k < d.bits; {
		at := first + k
		take := min(8-at%8, d.bits-k)
		part := row[at/8] << (at % 8) >> (8 - take)
		v = v<<take | uint64(part)
		k += take
	}
	return v
}

// unpackWords makes words of the first n samples of a row, of 9 to 16 bits.
func (d *decoder) unpackWords(row []byte, n int) []uint16 {
	d.wordRow = slices.Grow(d.wordRow[:0], n)[:n]
	size := d.bits
	if d.format == signedInteger {
		size--
	}
	for i := range d.wordRow {
		v := d.positive(row, i)
		d.wordRow[i] = uint16(v<<(16-size) | v>>(2*size-16)) // the highest bits fill up the lowest
	}
	return d.wordRow
}

// positive is wholeNumber, or 0 where that is negative.
func (d *decoder) positive(row []byte, i int) uint64 {
	v := d.wholeNumber(row, i)
	if d.format == signedInteger && v>>(d.bits-1) == 1 {
		return 0
	}
	return v
}

// reverseBits appends the data, the bits of each byte in reverse.
func reverseBits(out, data []byte) []byte {
	out = slices.Grow(out, len(data))
	for _, b := range data {
		out = append(out, bits.Reverse8(b))
	}
	return out
}
