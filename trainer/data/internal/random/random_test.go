package random

import (
	"slices"
	"testing"
)

// Runs are resumed with later builds: their numbers must not change.
func TestStreamsStay(t *testing.T) {
	r := New(1, 2, 3)
	got := [3]uint64{r.Uint64(), r.Uint64(), uint64(r.IntN(1000))}
	if want := [3]uint64{0x4a77f49ad209fbed, 0xb75369f244a35940, 133}; got != want {
		t.Errorf("got %#x, want %#x", got, want)
	}
	if perm, want := New(5).Perm(6), []int{5, 4, 2, 1, 3, 0}; !slices.Equal(perm, want) {
		t.Errorf("got %v, want %v", perm, want)
	}
}

func TestPurposesDiffer(t *testing.T) {
	seen := make(map[uint64][]uint64)
	for _, purpose := range [][]uint64{{}, {0}, {1}, {0, 0}, {0, 1}, {1, 0}, {1, 1}, {0, 0, 0}} {
		number := New(purpose...).Uint64()
		if other, ok := seen[number]; ok {
			t.Errorf("%v and %v give the same stream", purpose, other)
		}
		seen[number] = purpose
	}
}
