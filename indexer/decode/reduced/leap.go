package reduced

// leap is what bits stand for where values do not matter: as many steps as the bits
// hold completely. It says how many bits these steps take, and how far they move on.
// A leap to the end of a block moves on by leapEnd more.
type leap uint16

const (
	leapEnd = 128
	noLeap  = leap(endOfBlock << 4) // moves on too far, and not to the end
)

func (l leap) taken() uint  { return uint(l & 15) }
func (l leap) advance() int { return int(l >> 4) }

// ends reports whether a leap beyond the last coefficient leads to the end of the
// block: it may also have gone into the next one.
func ends(to int) bool { return to == 64 || to >= leapEnd+1 && to < leapEnd+64 }

// acCodes is a Huffman table for AC coefficients.
type acCodes struct {
	codes
	leaps [1 << leapPeek]leap
}

// prepare makes the table ready.
func (c *acCodes) prepare() {
	if c.ready {
		return
	}
	c.fill(c.acStep)
	for bits := range c.leaps {
		c.leaps[bits] = c.collect(bits)
	}
}

// collect joins steps for as long as the bits have all of the next.
func (c *acCodes) collect(bits int) leap {
	taken, advance := 0, 0
	for {
		ahead := bits << taken & (1<<leapPeek - 1)
		s := c.steps[ahead>>(leapPeek-stepPeek)]
		if s == 0 {
			s = c.acStep(uint16(ahead << (16 - leapPeek)))
		}
		end := s.advance() == endOfBlock
		if s == 0 || taken+int(s.taken()) > leapPeek || !end && advance+s.advance() >= endOfBlock {
			break
		}
		taken += int(s.taken())
		if end {
			return leap(taken | (advance+leapEnd)<<4)
		}
		advance += s.advance()
	}
	if taken == 0 {
		return noLeap
	}
	return leap(taken | advance<<4)
}
