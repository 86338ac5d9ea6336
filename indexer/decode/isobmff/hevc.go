package isobmff

import "encoding/binary"

// hevcConfiguration is what the box hvcC says (ISO/IEC 14496-15, 8.3.3): the depth of
// the samples, and the sequence parameter set, nil where there is none.
func hevcConfiguration(f *fields) (bits int, sequence []byte) {
	const headBeforeDepth, headAfterDepth, sequenceParameters = 17, 3, 33
	f.take(headBeforeDepth)
	luma, chroma := 8+int(f.number(1)&7), 8+int(f.number(1)&7)
	f.take(headAfterDepth)
	for range f.number(1) {
		kind := f.number(1) & 0x3F
		for range f.number(2) {
			unit := f.take(int(f.number(2)))
			if f.err != nil {
				return max(luma, chroma), sequence
			}
			if kind == sequenceParameters && sequence == nil {
				sequence = unit
			}
		}
	}
	return max(luma, chroma), sequence
}

// coded is what a coded picture says of its colours itself (ITU-T H.265, E.2.1).
type coded struct {
	primaries, transfer, matrix int
	limited                     bool
}

// codedColors reads a sequence parameter set (H.265, 7.3.2.2) up to the colours in its
// VUI. It returns what H.265 infers where there are none, and false for a set that it
// cannot follow.
func codedColors(unit []byte) (coded, bool) {
	const header = 2
	c := coded{Unspecified, Unspecified, Unspecified, true}
	if len(unit) < header {
		return c, false
	}
	b := bits{data: unescaped(unit[header:])}
	b.skip(4)
	layers := int(b.take(3))
	b.skip(1)
	b.profileAndLevel(layers)
	b.number() // of the set
	b.sizes(layers)
	if enabled := b.flag(); enabled && b.flag() {
		b.scalingLists()
	}
	b.skip(2)
	if b.flag() { // PCM
		b.skip(8)
		b.numbers(2)
		b.skip(1)
	}
	b.references()
	b.skip(2)
	if b.flag() {
		b.videoUsability(&c)
	}
	return c, !b.failed
}

// videoUsability reads the beginning of VUI (H.265, E.2.1).
func (b *bits) videoUsability(c *coded) {
	const other = 255
	if b.flag() && b.take(8) == other {
		b.skip(32)
	}
	if b.flag() {
		b.skip(1)
	}
	if !b.flag() {
		return
	}
	b.skip(3)
	c.limited = !b.flag()
	if b.flag() {
		c.primaries, c.transfer, c.matrix = int(b.take(8)), int(b.take(8)), int(b.take(8))
	}
}

// profileAndLevel passes over profile_tier_level (H.265, 7.3.3).
func (b *bits) profileAndLevel(layers int) {
	const profile, level = 88, 8
	b.skip(profile + level)
	var sizes int
	for range layers {
		if b.flag() {
			sizes += profile
		}
		if b.flag() {
			sizes += level
		}
	}
	if layers > 0 {
		b.skip(2 * (8 - layers))
	}
	b.skip(sizes)
}

// sizes passes over the sizes of the picture, its samples and its blocks. It takes the
// length of picture order counts.
func (b *bits) sizes(layers int) {
	if b.number() == 3 {
		b.skip(1)
	}
	b.numbers(2)
	if b.flag() {
		b.numbers(4)
	}
	b.numbers(2)
	b.orderBits = b.number() + 4
	if b.flag() {
		b.numbers(3 * layers)
	}
	b.numbers(3)
	b.numbers(6)
}

// scalingLists passes over scaling_list_data (H.265, 7.3.4).
func (b *bits) scalingLists() {
	for size := range 4 {
		step := 1
		if size == 3 {
			step = 3
		}
		for matrix := 0; matrix < 6 && !b.failed; matrix += step {
			switch {
			case !b.flag():
				b.numbers(1)
			case size > 1:
				b.numbers(1 + 64)
			default:
				b.numbers(16 << (2 * size))
			}
		}
	}
}

// references passes over the sets of reference pictures (H.265, 7.3.7).
func (b *bits) references() {
	const mostSets, mostPictures = 64, 16
	sets, before := b.number(), 0
	for i := 0; i < sets && !b.failed; i++ {
		if sets > mostSets || before > mostPictures {
			b.failed = true
			return
		}
		before = b.referenceSet(i > 0, before)
	}
	if !b.flag() {
		return
	}
	for n := b.number(); n > 0 && !b.failed; n-- {
		b.skip(b.orderBits + 1)
	}
}

// referenceSet returns how many pictures there are in the set; before is how many there
// are in the one before it.
func (b *bits) referenceSet(hasBefore bool, before int) (pictures int) {
	if !hasBefore || !b.flag() {
		negative, positive := b.number(), b.number()
		for ; pictures < negative+positive && !b.failed; pictures++ {
			b.numbers(1)
			b.skip(1)
		}
		return pictures
	}
	b.skip(1)
	b.numbers(1)
	for range before + 1 {
		if used := b.flag(); used || b.flag() {
			pictures++
		}
	}
	return pictures
}

// bits reads from the highest bit on. After the first that is not there all are zero,
// and it has failed.
type bits struct {
	data      []byte
	at        int
	failed    bool
	orderBits int // of a picture order count
}

func (b *bits) take(count int) (v uint32) {
	for range count {
		if b.at >= 8*len(b.data) {
			b.failed = true
			return 0
		}
		v = v<<1 | uint32(b.data[b.at/8]>>(7-b.at%8)&1)
		b.at++
	}
	return v
}

func (b *bits) flag() bool { return b.take(1) == 1 }

func (b *bits) skip(count int) {
	if b.at += count; b.at > 8*len(b.data) {
		b.failed = true
	}
}

// number reads ue(v), or the code of se(v): as many bits after the first 1 as there are
// zeros before it.
func (b *bits) number() int {
	const most = 31
	zeros := 0
	for !b.flag() {
		if zeros++; zeros > most || b.failed {
			b.failed = true
			return 0
		}
	}
	return 1<<zeros - 1 + int(b.take(zeros))
}

func (b *bits) numbers(count int) {
	for ; count > 0 && !b.failed; count-- {
		b.number()
	}
}

// unescaped leaves out the bytes that keep start codes from appearing (H.265, 7.3.1.1).
func unescaped(unit []byte) []byte {
	out := make([]byte, 0, len(unit))
	for i, v := range unit {
		if v == 3 && i >= 2 && binary.BigEndian.Uint16(unit[i-2:]) == 0 {
			continue
		}
		out = append(out, v)
	}
	return out
}
