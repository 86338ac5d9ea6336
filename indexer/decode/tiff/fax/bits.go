package fax

// bits reads data from the high bit on. Beyond its end all is zero.
type bits struct {
	data []byte
	at   int // in bits
}

// peek is the next n bits, at most 16.
func (b *bits) peek(n int) uint {
	var v uint
	for i := b.at / 8; i < b.at/8+3; i++ {
		v <<= 8
		if i < len(b.data) {
			v |= uint(b.data[i])
		}
	}
	return v >> (24 - n - b.at%8) & (1<<n - 1)
}

func (b *bits) skip(n int) { b.at += n }

func (b *bits) align(n int) { b.at = (b.at + n - 1) / n * n }

func (b *bits) ended() bool { return b.at >= 8*len(b.data) }

// paint sets the pixels between changes of color.
func paint(out []byte, changes []int, width int) {
	clear(out)
	for i := 0; i < len(changes); i += 2 {
		to := width
		if i+1 < len(changes) {
			to = changes[i+1]
		}
		fill(out, changes[i], to)
	}
}

// fill sets the bits from one place to another.
func fill(out []byte, from, to int) {
	if from >= to {
		return
	}
	first, last := from/8, (to-1)/8
	head, tail := byte(0xff)>>(from%8), byte(0xff)<<(7-(to-1)%8)
	if first == last {
		out[first] |= head & tail
		return
	}
	out[first] |= head
	for i := first + 1; i < last; i++ {
		out[i] = 0xff
	}
	out[last] |= tail
}
