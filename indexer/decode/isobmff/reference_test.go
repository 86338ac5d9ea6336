package isobmff

import (
	"encoding/binary"
	"slices"
	"testing"
)

const alphaURN = "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha"

func auxC(urn string) []byte { return boxOf("auxC", plain, []byte(urn+"\x00")) }

func refers(kind string, from byte, to ...byte) []byte {
	body := []byte{0, from, 0, byte(len(to))}
	for _, item := range to {
		body = append(body, 0, item)
	}
	return boxOf(kind, body)
}

// items has a primary picture, 7, with the first so many properties, and another, 8,
// with the rest.
func items(first int, properties [][]byte, references ...[]byte) []byte {
	ipma := []byte{0, 0, 0, 2, 0, 7, byte(first)}
	for i := range properties {
		if i == first {
			ipma = append(ipma, 0, 8, byte(len(properties)-first))
		}
		ipma = append(ipma, byte(i+1))
	}
	iprp := boxOf("iprp", boxOf("ipco", properties...), boxOf("ipma", plain, ipma))
	iref := boxOf("iref", plain, slices.Concat(references...))
	return slices.Concat(boxOf("ftyp", []byte("heic")), boxOf("meta", plain, boxOf("pitm", plain, []byte{0, 7}), iprp, iref))
}

func TestReferences(t *testing.T) {
	picture := Picture{Width: 30, Height: 20, Orientation: 1, Matrix: Unspecified, Primaries: Unspecified, Transfer: Unspecified, Bits: 8}
	with := func(change func(*Picture)) Picture {
		p := picture
		change(&p)
		return p
	}
	auxiliary := func(urn string) [][]byte { return [][]byte{ispe(30, 20), ispe(30, 20), auxC(urn)} }
	tiles := [][]byte{ispe(30, 20), ispe(10, 10), nclx(6, 1)}
	for name, tt := range map[string]struct {
		data []byte
		want Picture
	}{
		"alpha":             {items(1, auxiliary(alphaURN), refers("auxl", 8, 7)), with(func(p *Picture) { p.Alpha = 8 })},
		"alpha of HEVC":     {items(1, auxiliary("urn:mpeg:hevc:2015:auxid:1"), refers("auxl", 8, 7)), with(func(p *Picture) { p.Alpha = 8 })},
		"premultiplied":     {items(1, auxiliary(alphaURN), refers("prem", 7, 8), refers("auxl", 8, 7)), with(func(p *Picture) { p.Alpha, p.Premultiplied = 8, true })},
		"alpha of another":  {items(1, auxiliary(alphaURN), refers("auxl", 8, 9)), picture},
		"gain map":          {items(1, auxiliary("urn:com:apple:photo:2020:aux:hdrgainmap"), refers("auxl", 8, 7)), picture},
		"depth":             {items(1, auxiliary("urn:mpeg:hevc:2015:auxid:2"), refers("auxl", 8, 7)), picture},
		"a longer name":     {items(1, auxiliary(alphaURN+"s"), refers("auxl", 8, 7)), picture},
		"not there":         {items(1, auxiliary(alphaURN), refers("auxl", 9, 7)), picture},
		"cut off":           {items(1, auxiliary(alphaURN), refers("auxl", 8, 7)[:13]), picture},
		"colours of a tile": {items(1, tiles, refers("dimg", 7, 8, 8)), with(func(p *Picture) { p.Matrix, p.Primaries, p.Transfer = 6, 1, 13 })},
		"colours of its own": {items(2, [][]byte{ispe(30, 20), nclx(9, 1), ispe(10, 10), nclx(6, 0)}, refers("dimg", 7, 8)),
			with(func(p *Picture) { p.Matrix, p.Primaries, p.Transfer = 9, 1, 13 })},
	} {
		got, err := Read(tt.data)
		if err != nil || got != tt.want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, tt.want)
		}
	}
}

func TestSelect(t *testing.T) {
	data := items(1, [][]byte{ispe(30, 20), ispe(15, 10), auxC(alphaURN)}, refers("auxl", 8, 7))
	before := slices.Clone(data)
	selected, err := Select(data, 8)
	if err != nil || !slices.Equal(data, before) {
		t.Fatal("the file has changed", err)
	}
	if got, err := Read(selected); err != nil || got.Width != 15 {
		t.Errorf("%+v, %v", got, err)
	}
	wide := boxOf("meta", plain, boxOf("pitm", []byte{1, 0, 0, 0}, []byte{0, 1, 0, 7}))
	selected, err = Select(wide, 1<<20)
	if at := len(selected) - 4; err != nil || binary.BigEndian.Uint32(selected[at:]) != 1<<20 {
		t.Errorf("%x, %v", selected, err)
	}
	for _, data := range [][]byte{nil, boxOf("meta", plain), boxOf("meta", plain, boxOf("pitm", plain))} {
		if _, err := Select(data, 1); err == nil {
			t.Errorf("%x is accepted", data)
		}
	}
}
