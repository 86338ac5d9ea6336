package reduced

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
)

// table is a Huffman table from the other side.
type table struct {
	counts  [16]byte
	symbols []byte
	code    map[byte]uint32
	length  map[byte]int
}

// randomTable gives symbols codes of all lengths: the first ones short, like
// those of an encoder, or none short at all.
func randomTable(random *rand.Rand, symbols []byte, shortest int) *table {
	t := &table{symbols: symbols, code: map[byte]uint32{}, length: map[byte]int{}}
	left, code := len(symbols), uint32(0)
	for length, next := 1, 0; length <= 16; length, code = length+1, code<<1 {
		room := 1<<length - int(code) - 1 // no code is of ones alone
		n := min(left, room, 255)
		if length < shortest {
			n = 0
		} else if length < 16 {
			// Each code now costs two of the next length: leave enough.
			for n > 0 && (room-n)<<(16-length) < left-n {
				n--
			}
			n = min(n, random.IntN(3))
		}
		t.counts[length-1] = byte(n)
		for range n {
			t.code[symbols[next]], t.length[symbols[next]] = code, length
			code, next, left = code+1, next+1, left-1
		}
	}
	return t
}

// writer writes bits.
type writer struct {
	bytes.Buffer
	bits uint64
	have int
}

func (w *writer) write(value uint32, length int) {
	w.bits, w.have = w.bits<<length|uint64(value), w.have+length
	for ; w.have >= 8; w.have -= 8 {
		b := byte(w.bits >> (w.have - 8))
		w.WriteByte(b)
		if b == 0xFF {
			w.WriteByte(0)
		}
	}
}

func (w *writer) symbol(t *table, symbol byte) { w.write(t.code[symbol], t.length[symbol]) }

// value writes a coefficient behind its code, as ITU-T T.81, F.1.2.1, has it.
func (w *writer) value(v int32) { w.write(uint32(v+v>>31)&(1<<size(v)-1), size(v)) }

func size(v int32) int { return bits.Len32(uint32(max(v, -v))) }

func (w *writer) block(dc, ac *table, coefficients *[64]int32) {
	w.symbol(dc, byte(size(coefficients[0])))
	w.value(coefficients[0])
	run := 0
	for _, v := range coefficients[1:] {
		if v == 0 {
			run++
			continue
		}
		for ; run > 15; run -= 16 {
			w.symbol(ac, 0xF0)
		}
		w.symbol(ac, byte(run<<4|size(v)))
		w.value(v)
		run = 0
	}
	if run > 0 {
		w.symbol(ac, 0)
	}
}

// randomBlock has few or many coefficients, small or large.
func randomBlock(random *rand.Rand) (c [64]int32) {
	density, longest := random.Float64(), 1+random.IntN(9)
	for i := range c {
		if random.Float64() < density {
			c[i] = (random.Int32N(2<<longest) - 1<<longest) >> random.IntN(longest+1)
		}
	}
	return c
}

func symbolsOfDC(random *rand.Rand) (symbols []byte) {
	for _, n := range random.Perm(12) {
		symbols = append(symbols, byte(n))
	}
	return symbols
}

func symbolsOfAC(random *rand.Rand) []byte {
	symbols := []byte{0x01, 0x00, 0x02, 0x11, 0x03, 0x12, 0x21, 0xF0}
	for _, n := range random.Perm(160) {
		if s := byte(n/10<<4 | n%10 + 1); bytes.IndexByte(symbols, s) < 0 {
			symbols = append(symbols, s)
		}
	}
	return symbols
}

func (w *writer) segment(marker byte, content ...byte) {
	w.Write([]byte{0xFF, marker})
	w.Write(binary.BigEndian.AppendUint16(nil, uint16(2+len(content))))
	w.Write(content)
}

// fill ends the last byte.
func (w *writer) fill() { w.write(1<<7-1, 7); w.have = 0 }

// randomJPEG has three components, luma in as many blocks of an MCU, or one
// component that names these factors for nothing; soft contents, and tables that
// nobody else writes.
func randomJPEG(random *rand.Rand, width, height, across, down, restart int, grey bool) []byte {
	dc, ac := randomTable(random, symbolsOfDC(random), 2), randomTable(random, symbolsOfAC(random), 1+random.IntN(5))
	var w writer
	w.Write([]byte{0xFF, soi})
	w.Write([]byte{0xFF, 0xFF}) // fill bytes
	w.segment(dqt, append([]byte{0x10}, bytes.Repeat([]byte{0, 3}, 64)...)...)
	w.segment(dht, append(append([]byte{0x01}, dc.counts[:]...), dc.symbols...)...)
	w.segment(dht, append(append([]byte{0x12}, ac.counts[:]...), ac.symbols...)...)
	if restart > 0 {
		w.segment(dri, byte(restart>>8), byte(restart))
	}
	frame := []byte{8, byte(height >> 8), byte(height), byte(width >> 8), byte(width), 3, 7, byte(across<<4 | down), 0, 8, 0x11, 0, 9, 0x11, 0}
	scan, blocks, count := []byte{3, 7, 0x12, 8, 0x12, 9, 0x12, 0, 63, 0}, across*down+2, units(width, across)*units(height, down)
	if grey {
		frame, scan = append(frame[:5], 1, 7, byte(across<<4|down), 0), []byte{1, 7, 0x12, 0, 63, 0}
		blocks, count = 1, units(width, 1)*units(height, 1)
	}
	w.segment(sof1, frame...)
	w.segment(sos, scan...)
	for i := range count {
		if restart > 0 && i > 0 && i%restart == 0 {
			w.fill()
			w.Write([]byte{0xFF, byte(rst0 + (i/restart-1)%8)})
		}
		for range blocks {
			w.block(dc, ac, softBlock(random))
		}
	}
	w.fill()
	w.Write([]byte{0xFF, eoi})
	return w.Bytes()
}

// softBlock leaves no sample clipped, for a while.
func softBlock(random *rand.Rand) *[64]int32 {
	c := &[64]int32{random.Int32N(9) - 4}
	for range random.IntN(20) {
		k := 1 + random.IntN(63)
		c[k] = random.Int32N(1+40/int32(k+3)) * (random.Int32N(3) - 1)
	}
	return c
}
