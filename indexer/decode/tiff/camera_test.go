package tiff

import (
	"encoding/binary"
	"slices"
	"testing"
)

// brand is a value of tagMake, four letters.
func brand(name string) uint32 { return binary.LittleEndian.Uint32([]byte(name)) }

func TestCameraRaw(t *testing.T) {
	thumbnail := grey(16, 12, nil).with(tagNewSubfileType, reducedPage).with(tagPhotometric, rgb)
	full := grey(600, 400, nil).with(tagPhotometric, rgb)
	sensor := grey(600, 400, nil).with(tagPhotometric, mosaic)
	made := func(page tags, names ...uint32) tags { return page.with(tagMake, names...) }
	nikon := []uint32{brand("NIKO"), brand("N CO"), brand("RP\x00\x00")}
	subIFD := build(nil, sensor, made(thumbnail, nikon...).with(tagSubIFDs, 8))
	binary.LittleEndian.PutUint32(subIFD[4:], uint32(len(build(nil, sensor))))
	cr2 := slices.Concat([]byte("II*\x00\x10\x00\x00\x00CR\x02\x00\x00\x00\x00\x00"), build(nil, full)[8:])
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"ORF", []byte("IIRO\x08\x00\x00\x00"), "Olympus ORF"},
		{"RW2", []byte("IIU\x00\x18\x00\x00\x00"), "Panasonic RW2"},
		{"CR2", cr2, "Canon CR2"},
		{"NEF", subIFD, "Nikon NEF"},
		{"ARW", build(nil, made(thumbnail, brand("SONY"), 0), full.with(tagCompression, 32767)), "Sony ARW"},
		{"sensor first", build(nil, made(sensor, brand("PENT"), brand("AX\x00\x00"))), "Pentax PEF"},
		{"of an unknown maker", build(nil, made(sensor, brand("ACME"), 0)), "of ACME"},
		{"of nobody", build(nil, sensor), "TIFF/EP"},
		{"DNG", build(nil, thumbnail.with(tagDNGVersion, 4), sensor), "DNG"},
		{"DNG, linear", build(nil, full.with(tagDNGVersion, 4).with(tagPhotometric, linearRaw)), "DNG"},
		{"DNG, preview of half the size", build(nil, grey(300, 200, nil).with(tagDNGVersion, 4), sensor), "DNG"},
		{"DNG, a picture first", build(nil, full.with(tagDNGVersion, 4), sensor), ""},
		{"a picture by Nikon", build(nil, made(full, nikon...)), ""},
		{"a thumbnail first", build(nil, thumbnail, full), ""},
		{"no TIFF", []byte("\xff\xd8\xff"), ""},
		{"nothing", nil, ""},
		{"cut off", subIFD[:60], ""},
	} {
		if got := CameraRaw(tt.data); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
