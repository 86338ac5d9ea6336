package isobmff

import (
	"errors"
	"fmt"
	"slices"
)

// Picture describes the primary picture of a file.
type Picture struct {
	// Width and Height are in pixels, before Orientation.
	Width, Height int
	// Orientation says how to turn the picture upright, in the numbers of EXIF: 1 to
	// 8. The EXIF data of such a file is ignored.
	Orientation int
	// Cropped says that there is a clean aperture: the picture to show is smaller.
	Cropped bool
	// Matrix is the matrix coefficients of ITU-T H.273, Unspecified without any. Code
	// points of the container win over those of the coded picture, which are read of
	// HEVC only.
	Matrix int
	// Limited says that luma takes values from 16 to 235 only.
	Limited bool
	// Bits is the depth of the deepest channel, 8 where the file does not say.
	Bits int
	// Primaries and Transfer are code points of H.273, Unspecified without any.
	Primaries, Transfer int
	// Profile is an ICC profile, empty without one. It tells more than Primaries and
	// Transfer.
	Profile string
	// Alpha is the item that holds the transparency, 0 without one.
	Alpha uint64
	// Premultiplied says that the colours are multiplied with it.
	Premultiplied bool
}

// reading is a Picture that is being read.
type reading struct {
	Picture
	named bool // the container has code points
}

// Unspecified is what a file that names none has for matrix, primaries and transfer.
const Unspecified = 2

// property is one box of ipco.
type property = box

// Read returns what the file says of its primary picture. The error says what
// is missing.
func Read(data []byte) (Picture, error) {
	meta, err := metaBoxes(data)
	if err != nil {
		return Picture{}, err
	}
	primary, err := primaryItem(meta)
	if err != nil {
		return Picture{}, err
	}
	properties, err := itemProperties(meta, primary)
	if err != nil {
		return Picture{}, err
	}
	p, err := describe(properties)
	if err != nil {
		return Picture{}, err
	}
	p.readReferences(meta, primary)
	return p.Picture, nil
}

// metaBoxes are those inside of meta.
func metaBoxes(data []byte) ([]byte, error) {
	meta, err := child(data, "meta")
	if err != nil {
		return nil, err
	}
	f := fields{data: meta}
	f.version()
	return f.data, f.err
}

func primaryItem(meta []byte) (uint64, error) {
	body, err := child(meta, "pitm")
	if err != nil {
		return 0, err
	}
	f := fields{data: body}
	version, _ := f.version()
	id := f.number(idSize(version))
	return id, f.err
}

// idSize is how many bytes an item's number has, in pitm and ipma.
func idSize(version byte) int {
	if version == 0 {
		return 2
	}
	return 4
}

// itemProperties lists the properties of an item in the order in which they
// are to be applied.
func itemProperties(meta []byte, item uint64) ([]property, error) {
	iprp, err := child(meta, "iprp")
	if err != nil {
		return nil, err
	}
	ipco, err := child(iprp, "ipco")
	if err != nil {
		return nil, err
	}
	left := mostAssociations
	for b := range boxes(iprp) {
		if b.kind != "ipma" {
			continue
		}
		indices, err := association(b.body, item, &left)
		if err != nil {
			return nil, err
		}
		if indices != nil {
			return choose(ipco, indices)
		}
	}
	return nil, errors.New("its primary picture has no properties")
}

// association finds the one-based indices that ipma gives to an item, nil if
// it gives none. left is how many items may still be looked at.
func association(ipma []byte, item uint64, left *int) ([]int, error) {
	f := fields{data: ipma}
	version, flags := f.version()
	size := 1 + int(flags&1)
	essential := uint64(1) << (8*size - 1)
	for range f.number(4) {
		if *left--; *left < 0 {
			return nil, fmt.Errorf("it has more than %d items", mostAssociations)
		}
		id := f.number(idSize(version))
		indices := make([]int, f.number(1))
		for i := range indices {
			indices[i] = int(f.number(size) &^ essential)
		}
		if f.err != nil {
			return nil, f.err
		}
		if id == item && len(indices) > 0 {
			return indices, nil
		}
	}
	return nil, f.err
}

// choose takes the properties of those one-based indices, but for index 0, which stands
// for no property.
func choose(ipco []byte, indices []int) ([]property, error) {
	most, count := slices.Max(indices), 0
	var all []property
	for b := range boxes(ipco) {
		if count++; count <= most {
			all = append(all, b)
		}
	}
	var chosen []property
	for _, i := range indices {
		if i > len(all) {
			return nil, fmt.Errorf("it names property %d of %d", i, count)
		}
		if i > 0 {
			chosen = append(chosen, all[i-1])
		}
	}
	return chosen, nil
}

// describe puts the properties together.
func describe(properties []property) (reading, error) {
	p := reading{Picture: Picture{Matrix: Unspecified, Primaries: Unspecified, Transfer: Unspecified, Bits: 8}}
	var t turn
	p.readColors(properties)
	for _, property := range properties {
		f := fields{data: property.body}
		switch property.kind {
		case "ispe":
			f.version()
			p.Width, p.Height = int(f.number(4)), int(f.number(4))
		case "clap":
			p.Cropped = true
		case "irot":
			t.rotate(int(f.number(1) & 3))
		case "imir":
			t.mirror(int(f.number(1) & 1))
		case "pixi":
			p.depth(&f)
		}
		if f.err != nil {
			return reading{}, fmt.Errorf("property %q: %w", property.kind, f.err)
		}
	}
	if p.Width == 0 || p.Height == 0 {
		return reading{}, errors.New("its primary picture has no size")
	}
	p.Orientation = t.orientation()
	return p, nil
}

// readColors reads code points and a profile: a picture may have both, since a profile
// says nothing about matrix and range.
func (p *reading) readColors(properties []property) {
	for _, property := range properties {
		f := fields{data: property.body}
		switch property.kind {
		case "colr":
			p.color(&f)
		case "hvcC":
			p.hevc(&f)
		}
	}
}

func (p *reading) color(f *fields) {
	switch string(f.take(4)) {
	case "nclx":
		primaries, transfer, matrix := int(f.number(2)), int(f.number(2)), int(f.number(2))
		limited := f.number(1)>>7 == 0
		if f.err == nil {
			p.Primaries, p.Transfer, p.Matrix, p.Limited, p.named = primaries, transfer, matrix, limited, true
		}
	case "prof", "rICC":
		p.Profile = string(f.data)
	}
}

// hevc takes the depth and, if the container names no colours, those of the coded
// picture.
func (p *reading) hevc(f *fields) {
	bits, sequence := hevcConfiguration(f)
	if f.err != nil {
		return // its decoder judges it
	}
	p.Bits = max(p.Bits, bits)
	if c, ok := codedColors(sequence); ok && !p.named {
		p.Primaries, p.Transfer, p.Matrix, p.Limited = c.primaries, c.transfer, c.matrix, c.limited
	}
}

func (p *reading) depth(f *fields) {
	f.version()
	for range f.number(1) {
		p.Bits = max(p.Bits, int(f.number(1)))
	}
}

// turn is a rotation by quarters, anticlockwise, and a mirroring after it: 0
// exchanges top and bottom, 1 left and right.
type turn struct {
	quarters int
	mirrored bool
	axis     int
}

// rotate after a mirroring is the opposite rotation before it.
func (t *turn) rotate(quarters int) {
	if t.mirrored {
		quarters = 4 - quarters
	}
	t.quarters = (t.quarters + quarters) % 4
}

// mirror twice is no mirroring, or half a rotation where the axes differ.
func (t *turn) mirror(axis int) {
	if t.mirrored && axis != t.axis {
		t.quarters = (t.quarters + 2) % 4
	}
	t.mirrored, t.axis = !t.mirrored, axis
}

// orientation is the EXIF number of the turn.
func (t *turn) orientation() int {
	switch {
	case !t.mirrored:
		return [4]int{1, 8, 3, 6}[t.quarters]
	case t.axis == 0:
		return [4]int{4, 5, 2, 7}[t.quarters]
	}
	return [4]int{2, 7, 4, 5}[t.quarters]
}
