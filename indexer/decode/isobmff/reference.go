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
func (p *reading) readReferences(meta []byte, primary uint64) {
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

// readTile takes what a picture that is put together of others does not say itself from
// the first of them.
func (p *reading) readTile(meta []byte, tile uint64) {
	properties, err := itemProperties(meta, tile)
	if err != nil {
		return
	}
	whole := *p
	p.readColors(properties)
	if whole.named {
		p.Primaries, p.Transfer, p.Matrix, p.Limited = whole.Primaries, whole.Transfer, whole.Matrix, whole.Limited
	}
	if whole.named || whole.Profile != "" {
		p.Profile, p.named = whole.Profile, whole.named
	}
}

// Prepare returns a copy of a HEIC of which libheif, as it is built here, returns the
// samples as they are coded.
//
//   - Its first brand is that of HEIC: that libheif knows no file by another one, though
//     others conform as well.
//   - Its colours are said to be RGB, by the identity matrix of H.273: green is Y, blue is
//     Cb, red is Cr. To return YCbCr, libheif would interpolate chroma first and take the
//     mean after that, which blurs colours, and would leave more than 8 bits alone.
//   - Where nothing says what the colours are, all chroma is said to be there already,
//     which keeps libheif from taking that mean.
func Prepare(data []byte) ([]byte, error) {
	const brandAt, brandEnd = 8, 12
	data = slices.Clone(data)
	meta, err := metaBoxes(data)
	if err != nil {
		return nil, err
	}
	if copied := data[:min(brandEnd, len(data))]; len(copied) == brandEnd && string(copied[4:brandAt]) == "ftyp" {
		copy(copied[brandAt:], "heic")
	}
	iprp, err := child(meta, "iprp")
	if err != nil {
		return nil, err
	}
	ipco, err := child(iprp, "ipco")
	if err != nil {
		return nil, err
	}
	const chromaAt, chromaMask, noChroma, allChroma = 16, 3, 0, 3
	for b := range boxes(ipco) {
		switch {
		case b.kind == "hvcC" && len(b.body) > chromaAt && b.body[chromaAt]&chromaMask != noChroma:
			b.body[chromaAt] |= allChroma
		case b.kind == "colr" && len(b.body) >= len(identity):
			copy(b.body, identity)
		}
	}
	return data, nil
}

// identity is the body of colr for RGB of full range: primaries and transfer of sRGB,
// matrix 0.
const identity = "nclx\x00\x01\x00\x0d\x00\x00\x80"

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
