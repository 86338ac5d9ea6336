package reduced

import (
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
		for _, last := range []int{0, 2, 8, 18, 63} {
			readBlocks(t, seed, data, dc, ac, blocks, last)
		}
	}
}

func readBlocks(t *testing.T, seed uint64, data []byte, dcTable, acTable *table, blocks [][64]int32, last int) {
	t.Helper()
	dc, ac := new(codes), new(acCodes)
	if err := dc.order(dcTable.counts, dcTable.symbols); err != nil {
		t.Fatal(err)
	}
	if err := ac.order(acTable.counts, acTable.symbols); err != nil {
		t.Fatal(err)
	}
	dc.prepareDC()
	ac.prepare()
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
