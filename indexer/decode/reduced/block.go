package reduced

// coefficients of a block in zigzag order, as they are coded. The upper half is
// there so that a step past the end needs no check.
type coefficients [128]int32

// block reads the next block. Of its coefficients it writes the first, as the
// difference from that of the block before, and the others up to number last, where
// they are not zero. It returns false for data that is not a block.
func (c *coded) block(dc *codes, ac *acCodes, last int, out *coefficients) bool {
	if c.next > c.end-longestBlock {
		if c.prepare(); c.read() > 8*c.end {
			return false
		}
	}
	data := c.ready
	p := c.filled(data)
	s := dc.steps[p.bits>>(64-stepPeek)]
	if s == 0 {
		if s = dc.dcStep(uint16(p.bits >> 48)); s == 0 {
			return false
		}
	}
	out[0] = s.value(p.bits)
	p, k := p.after(s.taken()), 1
	for {
		p, k = ac.readLow(data, p, k, last, out)
		if k > last && k < 64 {
			p, k = ac.skip(data, p, k)
		}
		if k >= 64 {
			c.position = p
			return true
		}
		if p, k = ac.readOne(data, p, k, out); k == 0 {
			return false
		}
	}
}

// readLow reads coefficients from number k to number last, which is below 48, or
// until a code comes that cannot be looked up. It returns the number of the next,
// 64 or more at the end of the block.
func (c *acCodes) readLow(data []byte, p position, k, last int, out *coefficients) (position, int) {
	for k <= last {
		p = p.filled(data)
		s := c.steps[p.bits>>(64-stepPeek)]
		if s == 0 {
			break
		}
		k += s.advance()
		out[(k-1)&127] = s.value(p.bits)
		p = p.after(s.taken())
	}
	return p, k
}

// skip leaps from coefficient k to the end of the block, or until a leap is not
// possible.
func (c *acCodes) skip(data []byte, p position, k int) (position, int) {
	for {
		p = p.filled(data)
		for range 56 / leapPeek {
			l := c.leaps[p.bits>>(64-leapPeek)]
			to := k + l.advance()
			if to >= 64 {
				if ends(to) {
					p, k = p.after(l.taken()), 64
				}
				return p, k
			}
			p, k = p.after(l.taken()), to
		}
	}
}

// readOne reads the coefficient from number k on, whatever its code. k is 0 if the
// data is not a coefficient.
func (c *acCodes) readOne(data []byte, p position, k int, out *coefficients) (position, int) {
	p = p.filled(data)
	s := c.acStep(uint16(p.bits >> 48))
	k += s.advance()
	if s == 0 || k > 64 && s.advance() != endOfBlock {
		return p, 0
	}
	out[(k-1)&127] = s.value(p.bits)
	return p.after(s.taken()), k
}
