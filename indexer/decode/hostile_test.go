package decode

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/png"
	"runtime"
	"slices"
	"testing"
)

// peak is how much more memory the heap has taken from the system during f.
func allocatedBy(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A PNG of a million chunks takes no memory for each.
func TestPNGOfManyChunks(t *testing.T) {
	const many = 1 << 20
	var plain bytes.Buffer
	if err := png.Encode(&plain, image.NewGray(image.Rect(0, 0, 9, 7))); err != nil {
		t.Fatal(err)
	}
	header, rest := plain.Bytes()[:8+25], plain.Bytes()[8+25:]
	var unknown, pixels bytes.Buffer
	for i := range many {
		unknown.Write([]byte{0, 0, 0, 0})
		unknown.Write(binary.BigEndian.AppendUint32(nil, 0x61616161+uint32(i)))
		unknown.Write([]byte{0, 0, 0, 0})
		pixels.Write([]byte{0, 0, 0, 1, 'I', 'D', 'A', 'T', 0, 0, 0, 0, 0})
	}
	for name, data := range map[string][]byte{
		"of kinds that are not known": slices.Concat(header, unknown.Bytes(), rest),
		"with a byte of pixels each":  slices.Concat(header, pixels.Bytes(), rest),
	} {
		n := allocatedBy(func() { _, _, _ = new(Decoder).Bytes(t.Context(), name, data, nil, Limits{}) })
		if n > 80<<20 {
			t.Errorf("chunks %s: a file of %d MiB makes it allocate %d", name, len(data)>>20, n>>20)
		}
	}
}
