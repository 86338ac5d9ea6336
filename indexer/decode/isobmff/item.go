package isobmff

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// Item kinds that describe a picture.
const (
	itemExif = "Exif"
	itemMIME = "mime"
	typeXMP  = "application/rdf+xml"
)

// About is what a file holds of metadata about its primary picture: an EXIF block as
// TIFF has it, and an XMP packet. Either is nil where there is none.
type About struct {
	EXIF, XMP []byte
}

// ReadAbout finds the metadata. Next to an error it holds what was found before it.
// The slices are parts of data, or as long as their parts of data together.
func ReadAbout(data []byte) (About, error) {
	meta, err := child(data, "meta")
	if err != nil || len(meta) < 4 {
		return About{}, errors.Join(err, errCut)
	}
	meta = meta[4:]
	infos, err := itemInfos(meta)
	if err != nil {
		return About{}, err
	}
	places, err := itemPlaces(meta)
	if err != nil {
		return About{}, err
	}
	described := describers(meta)
	slices.SortStableFunc(infos, func(a, b itemInfo) int { return rank(described, a.id) - rank(described, b.id) })
	var about About
	for _, info := range infos {
		content := places[info.id].content(data, meta)
		switch {
		case info.kind == itemExif && about.EXIF == nil:
			about.EXIF = exifBlock(content)
		case info.kind == itemMIME && info.contentType == typeXMP && about.XMP == nil && len(content) > 0:
			about.XMP = content
		}
	}
	return about, nil
}

func rank(first map[uint64]bool, id uint64) int {
	if first[id] {
		return 0
	}
	return 1
}

// exifBlock takes off the offset of the TIFF header, and what lies before that.
func exifBlock(content []byte) []byte {
	f := fields{data: content}
	f.take(int(f.number(4)))
	if f.err != nil || len(f.data) == 0 {
		return nil
	}
	return f.data
}

type itemInfo struct {
	id                uint64
	kind, contentType string
}

// itemInfos reads iinf.
func itemInfos(meta []byte) ([]itemInfo, error) {
	body, err := child(meta, "iinf")
	if err != nil {
		return nil, err
	}
	f := fields{data: body}
	version, _ := f.version()
	f.number(idSize(version)) // their number has the size of an ID
	var infos []itemInfo
	for b := range boxes(f.data) {
		if info, ok := readInfo(b.body); ok && b.kind == "infe" {
			infos = append(infos, info)
		}
	}
	return infos, f.err
}

func readInfo(infe []byte) (itemInfo, bool) {
	f := fields{data: infe}
	version, _ := f.version()
	if version < 2 {
		return itemInfo{}, false // before there were kinds
	}
	info := itemInfo{id: f.number(idSize(version - 2))}
	f.take(2) // protection
	info.kind = string(f.take(4))
	if info.kind == itemMIME {
		_, rest, _ := bytes.Cut(f.data, []byte{0}) // name
		contentType, _, _ := bytes.Cut(rest, []byte{0})
		info.contentType = string(contentType)
	}
	return info, f.err == nil
}

// describers are the items that iref says describe the primary one.
func describers(meta []byte) map[uint64]bool {
	primary, err := primaryItem(meta)
	body, missing := child(meta, "iref")
	if err != nil || missing != nil {
		return nil
	}
	f := fields{data: body}
	version, _ := f.version()
	found := make(map[uint64]bool)
	for b := range boxes(f.data) {
		if b.kind != "cdsc" {
			continue
		}
		r := fields{data: b.body}
		from := r.number(idSize(version))
		for range r.number(2) {
			to := r.number(idSize(version))
			if r.err != nil {
				break
			}
			if to == primary {
				found[from] = true
			}
		}
	}
	return found
}

// itemPlace is where an item lies: its extents in the file or in the box idat.
type itemPlace struct {
	inside  bool // in idat
	extents []extent
}

type extent struct{ offset, length uint64 }

// itemPlaces reads iloc.
func itemPlaces(meta []byte) (map[uint64]itemPlace, error) {
	body, err := child(meta, "iloc")
	if err != nil {
		return nil, err
	}
	f := fields{data: body}
	version, _ := f.version()
	sizes := f.number(2)
	offset, length, base, index := int(sizes>>12), int(sizes>>8&15), int(sizes>>4&15), int(sizes&15)
	if version == 0 {
		index = 0
	}
	wide := byte(0)
	if version >= 2 {
		wide = 1
	}
	places := make(map[uint64]itemPlace)
	extents := uint64(0)
	for range f.number(idSize(wide)) {
		id := f.number(idSize(wide))
		method := uint64(0)
		if version > 0 {
			method = f.number(2) & 15
		}
		f.number(2) // data reference
		from := f.number(base)
		place := itemPlace{inside: method == 1}
		count := f.number(2)
		if extents += count; extents > mostExtents { // which may take no bytes each
			return places, fmt.Errorf("its items have more than %d parts", mostExtents)
		}
		for range count {
			f.number(index)
			e := extent{from + f.number(offset), f.number(length)}
			if f.err != nil {
				return places, f.err
			}
			place.extents = append(place.extents, e)
		}
		if f.err != nil {
			return places, f.err
		}
		if _, ok := places[id]; !ok && method <= 1 {
			places[id] = place
		}
	}
	return places, nil
}

// content puts the extents together; nil if one is not there, or they claim more than
// there is.
func (p itemPlace) content(data, meta []byte) []byte {
	if p.inside {
		data, _ = child(meta, "idat")
	}
	var parts [][]byte
	total := uint64(0)
	for _, e := range p.extents {
		if e.offset > uint64(len(data)) {
			return nil
		}
		rest := data[e.offset:]
		if e.length > uint64(len(rest)) {
			return nil
		}
		if e.length > 0 { // 0 goes to the end
			rest = rest[:e.length]
		}
		if total += uint64(len(rest)); total > uint64(len(data)) {
			return nil
		}
		parts = append(parts, rest)
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return bytes.Join(parts, nil)
}
