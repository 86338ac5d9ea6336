package reduced

import (
	"errors"
	"math/rand/v2"
	"testing"
)

// What is skipped does not change what is read, nor where reading goes on.
func TestBlocks(t *testing.T) {
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1))
		dc := randomTable(random, symbolsOfDC(random), 1+random.IntN(4))
		ac := randomTable(random, symbolsOfAC(random), 1+random.IntN(9))
		blocks := make([][64]int32, 1+random.IntN(900)) // some fill several chunks
		var w writer
		for i := range blocks {
			blocks[i] = randomBlock(random)
			w.block(dc, ac, &blocks[i])
		}
		w.write(1<<7-1, 7) // fills the last byte
		data := append(w.Bytes(), 0xFF, eoi)
		for _, last := range []int{0, 2, 8, 18, 47} {
			readBlocks(t, seed, data, dc, ac, blocks, last)
		}
	}
}

func readBlocks(t *testing.T, seed uint64, data []byte, dcTable, acTable *table, blocks [][64]int32, last int) {
	t.Helper()
	dc, ac := tables(t, dcTable, acTable)
	var c coded
	c.start(data)
	for i, want := range blocks {
		var got coefficients
		if !c.block(dc, ac, last, &got) {
			t.Fatalf("seed %d, last %d: block %d of %d is not read", seed, last, i, len(blocks))
		}
		for k := range last + 1 {
			if got[k] != want[k] {
				t.Fatalf("seed %d, last %d: block %d: coefficient %d is %d, want %d", seed, last, i, k, got[k], want[k])
			}
		}
	}
	if !c.pass(eoi) {
		t.Fatalf("seed %d, last %d: the end is not where it is", seed, last)
	}
}

// The longest block there can be, again and again: at the ends of chunks, and at
// the end of the data.
func TestLongestBlocks(t *testing.T) {
	dc := &table{symbols: []byte{11}, counts: [16]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, code: map[byte]uint32{11: 0}, length: map[byte]int{11: 16}}
	ac := &table{symbols: []byte{15}, counts: dc.counts, code: map[byte]uint32{15: 0}, length: map[byte]int{15: 16}}
	dcCodes, acTable := tables(t, dc, ac)
	for shift := range longestBlock { // to begin at every byte of a chunk
		blocks := make([][64]int32, chunk/longestBlock+5)
		var w writer
		w.write(0, 3)
		for range shift {
			w.write(0, 8)
		}
		for i := range blocks {
			blocks[i][0] = 2047
			for k := 1; k < 64; k++ {
				blocks[i][k] = 32767 - int32(k)
			}
			w.block(dc, ac, &blocks[i])
		}
		w.fill()
		var c coded
		c.start(w.Bytes())
		c.next = shift
		c.position = c.filled(c.ready).after(3)
		var got coefficients
		for i := range blocks {
			if !c.block(dcCodes, acTable, 18, &got) || got[0] != 2047 || got[18] != 32767-18 {
				t.Fatalf("block %d of %d behind %d bytes: %v", i, len(blocks), shift, got[:19])
			}
		}
		c.block(dcCodes, acTable, 18, &got) // reads what is behind the end
		if c.block(dcCodes, acTable, 18, &got) {
			t.Fatalf("a second block is read behind the end, behind %d bytes", shift)
		}
	}
}

// tables makes tables ready.
func tables(t *testing.T, dcTable, acTable *table) (*codes, *acCodes) {
	t.Helper()
	dc, ac := new(codes), new(acCodes)
	if err := errors.Join(dc.order(dcTable.counts, dcTable.symbols), ac.order(acTable.counts, acTable.symbols)); err != nil {
		t.Fatal(err)
	}
	dc.prepareDC()
	ac.prepare()
	return dc, ac
}
