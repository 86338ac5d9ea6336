package isobmff

import (
	"encoding/binary"
	"runtime"
	"slices"
	"testing"
	"time"
)

// allocated is how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Extents of an item whose numbers have no bytes cost nothing in the file.
func TestExtentsOfNoBytes(t *testing.T) {
	const items = 2000
	iloc := []byte{0, 0, 0, 0, 0, 0, items >> 8, items & 0xFF}
	for i := range items {
		iloc = binary.BigEndian.AppendUint16(iloc, uint16(i))
		iloc = append(iloc, 0, 0, 0xFF, 0xFF)
	}
	infe := boxOf("infe", []byte{2, 0, 0, 0, 0, 1, 0, 0}, []byte("Exif"))
	file := slices.Concat(boxOf("ftyp", []byte("heic")), boxOf("meta", plain, boxOf("iinf", plain, []byte{0, 1}, infe), boxOf("iloc", iloc)))
	if n := allocated(func() { _, _ = ReadAbout(file) }); n > 8<<20 {
		t.Errorf("a file of %d bytes makes it allocate %d", len(file), n)
	}
}

// A list of boxes, of properties or of associations is as long as the file.
func TestMillionsOfBoxes(t *testing.T) {
	const many = 1 << 20
	empty := slices.Repeat(boxOf("free"), many)
	colr := slices.Repeat(boxOf("colr"), many)
	ipma := slices.Concat(plain, []byte{0, 0x20, 0, 0}, slices.Repeat([]byte{0, 1, 0}, 2*many))
	auxl := slices.Repeat(refers("auxl", 8, 7), 64)
	for name, data := range map[string][]byte{
		"in the file":  empty,
		"in meta":      boxOf("meta", plain, empty),
		"in ipco":      boxOf("meta", plain, boxOf("pitm", plain, []byte{0, 7}), boxOf("iprp", boxOf("ipco", ispe(3, 2), colr), boxOf("ipma", plain, []byte{0, 0, 0, 1, 0, 7, 1, 1})), boxOf("iref", plain, auxl)),
		"in iinf":      boxOf("meta", plain, boxOf("pitm", plain, []byte{0, 7}), boxOf("iinf", plain, []byte{0, 0}, slices.Repeat(boxOf("infe", []byte{2, 0, 0, 0, 0, 1, 0, 0}, []byte("Exif")), many))),
		"in iref":      boxOf("meta", plain, boxOf("pitm", plain, []byte{0, 7}), boxOf("iprp", boxOf("ipco", ispe(3, 2)), boxOf("ipma", plain, []byte{0, 0, 0, 1, 0, 7, 1, 1})), boxOf("iref", plain, slices.Repeat(refers("auxl", 8, 7), many))),
		"associations": boxOf("meta", plain, boxOf("pitm", plain, []byte{0, 7}), boxOf("iprp", boxOf("ipco", ispe(3, 2)), boxOf("ipma", plain, []byte{0, 0, 0, 1, 0, 7, 1, 1}), boxOf("ipma", ipma)), boxOf("iref", plain, auxl)),
	} {
		begun := time.Now()
		n := allocated(func() { _, _ = Read(data); _, _ = ReadAbout(data) })
		if n > 16<<20 {
			t.Errorf("%s: a file of %d bytes makes it allocate %d", name, len(data), n)
		}
		if took := time.Since(begun); took > 500*time.Millisecond {
			t.Errorf("%s: it took %v", name, took)
		}
	}
}
