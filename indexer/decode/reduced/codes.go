package reduced

import "math/bits"

// How many bits are looked up at once: nearly all codes have no more than
// stepPeek, and leapPeek hold two or three of them with their values. The tables
// in use at a time should fit into the fastest cache.
const (
	stepPeek = 10
	leapPeek = 13
)

// step is what a Huffman code stands for: the bits that it takes with those of
// the value behind it, a mask for the latter, and by how much it moves on among
// the coefficients. The zero step is none: no code begins with the bits, or they
// have not all of it.
type step uint32

func newStep(length, size, advance int) step {
	return step(length + size | advance<<5 | (1<<size-1)<<16)
}

func (s step) taken() uint  { return uint(s & 31) }
func (s step) advance() int { return int(s >> 5 & 127) }
func (s step) mask() int32  { return int32(s >> 16) }

// value is what the bits say of which the step takes the first (ITU-T T.81,
// figure F.12).
func (s step) value(b uint64) int32 {
	mask := s.mask()
	v := int32(bits.RotateLeft64(b, int(s.taken()))) & mask
	return v - mask&((2*v-mask-1)>>31)
}

// endOfBlock is how far the code of that name moves on: past all coefficients.
const endOfBlock = 64

// codes is a Huffman table (ITU-T T.81, annex C).
type codes struct {
	symbols []byte
	ends    [17]int32 // ends[n] is what codes of n bits are below, as 16 bits
	offsets [17]int32 // index of the symbol of a code of n bits, less the code
	steps   [1 << stepPeek]step
	ready   bool // steps are filled
}

// order makes codes of the number of them that have each length, and of their
// symbols in the order of the codes.
func (c *codes) order(counts [16]byte, symbols []byte) error {
	c.symbols = symbols
	code, index := int32(0), int32(0)
	for length := 1; length <= 16; length++ {
		count := int32(counts[length-1])
		c.offsets[length] = index - code
		code, index = code+count, index+count
		if code > 1<<length {
			return refuse("a Huffman table has too many codes")
		}
		c.ends[length] = code << (16 - length)
		code <<= 1
	}
	return nil
}

// fill looks up what of gives for bits, as far as they have all of the code.
func (c *codes) fill(of func(bits uint16) step) {
	for at := range c.steps {
		s := of(uint16(at << (16 - stepPeek)))
		if length := int(s.taken()) - bits.OnesCount32(uint32(s.mask())); length <= stepPeek {
			c.steps[at] = s
		}
	}
	c.ready = true
}

// prepareDC makes a table ready for differences of DC coefficients. Tables that
// no component uses cost nothing.
func (c *codes) prepareDC() {
	if !c.ready {
		c.fill(c.dcStep)
	}
}

// symbol decodes the code that the bits begin with. Without one its length is 0.
func (c *codes) symbol(bits uint16) (symbol byte, length int) {
	for length = 1; length <= 16; length++ {
		if int32(bits) < c.ends[length] {
			return c.symbols[c.offsets[length]+int32(bits)>>(16-length)], length
		}
	}
	return 0, 0
}

// dcStep is the step for the difference of a DC coefficient (F.2.2.1), of at most
// 11 bits, that the bits begin with.
func (c *codes) dcStep(bits uint16) step {
	size, length := c.symbol(bits)
	if length == 0 || size > 11 {
		return 0
	}
	return newStep(length, int(size), 1)
}

// acStep is the step among AC coefficients (F.2.2.2) that the bits begin with.
func (c *codes) acStep(bits uint16) step {
	const sixteenZeros = 15
	symbol, length := c.symbol(bits)
	run, size := int(symbol>>4), int(symbol&15)
	switch {
	case length == 0 || size == 0 && run != 0 && run != sixteenZeros:
		return 0
	case symbol == 0:
		return newStep(length, 0, endOfBlock)
	}
	return newStep(length, size, run+1)
}
