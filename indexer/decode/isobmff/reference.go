package isobmff

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"
)

// reference is a box of iref: it names the items that another item refers to.
type reference struct {
	kind string
	from uint64
	to   []uint64
}

// references goes over those of a file, as far as they are whole.
func references(meta []byte) iter.Seq[reference] {
	return func(yield func(reference) bool) {
		iref, err := child(meta, "iref")
		if err != nil {
			return
		}
		f := fields{data: iref}
		version, _ := f.version()
		for b := range boxes(f.data) {
			r, err := readReference(b, idSize(version))
			if err != nil || !yield(r) {
				return
			}
		}
	}
}

func readReference(b box, size int) (reference, error) {
	f := fields{data: b.body}
	r := reference{kind: b.kind, from: f.number(size)}
	for range f.number(2) {
		r.to = append(r.to, f.number(size))
		if f.err != nil {
			break
		}
	}
	return r, f.err
}

// mostFollowed bounds how many references of one picture are looked at.
const mostFollowed = 64

// readReferences looks for what belongs to the primary picture. What is damaged there
// does not count.
func (p *Picture) readReferences(meta []byte, primary uint64) {
	followed := 0
	for r := range references(meta) {
		auxiliary := r.kind == "auxl" && slices.Contains(r.to, primary)
		derived := r.kind == "dimg" && r.from == primary && len(r.to) > 0
		if !auxiliary && !derived {
			continue
		}
		if followed++; followed > mostFollowed {
			break
		}
		if derived {
			p.readTile(meta, r.to[0])
		} else if isAlpha(meta, r.from) {
			p.Alpha = r.from
		}
	}
	for r := range references(meta) {
		if r.kind == "prem" && r.from == primary && slices.Contains(r.to, p.Alpha) {
			p.Premultiplied = true
		}
	}
}

// isAlpha reports whether an auxiliary picture is the transparency of another, not its
// depth or a gain map.
func isAlpha(meta []byte, item uint64) bool {
	properties, err := itemProperties(meta, item)
	if err != nil {
		return false
	}
	for _, property := range properties {
		if property.kind != "auxC" || len(property.body) < 4 {
			continue
		}
		urn, _, _ := bytes.Cut(property.body[4:], []byte{0})
		switch string(urn) {
		case "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", "urn:mpeg:hevc:2015:auxid:1", "urn:mpeg:avc:2015:auxid:1":
			return true
		}
	}
	return false
}

// readTile takes the colours of a picture that is put together of others, and names
// none itself, from the first of them.
func (p *Picture) readTile(meta []byte, tile uint64) {
	properties, err := itemProperties(meta, tile)
	if err != nil || p.Profile != "" || p.Primaries != Unspecified || p.Matrix != Unspecified {
		return
	}
	for _, property := range properties {
		if property.kind == "colr" {
			p.color(&fields{data: property.body})
		}
	}
}

// Select returns a copy of a file whose primary picture is another item of it.
func Select(data []byte, item uint64) ([]byte, error) {
	data = slices.Clone(data)
	meta, err := metaBoxes(data)
	if err != nil {
		return nil, err
	}
	body, err := child(meta, "pitm")
	if err != nil {
		return nil, err
	}
	f := fields{data: body}
	version, _ := f.version()
	id := f.take(idSize(version))
	switch {
	case f.err != nil:
		return nil, f.err
	case len(id) == 2:
		binary.BigEndian.PutUint16(id, uint16(item))
	default:
		binary.BigEndian.PutUint32(id, uint32(item))
	}
	return data, nil
}
