package color

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// MostProfile is how many bytes a profile may have. Those of large presses have three
// million.
const MostProfile = 16 << 20

const (
	profileHead = 128
	tagEntry    = 12      // name, offset, size
	mostNeeded  = 4 << 20 // of the tags that are needed; numbers of them become eight times as long
	mostTags    = 200
	mostPoints  = 1 << 16 // of a curve
)

// spaces are the colours that a profile can be for, with their channels.
var spaces = map[string]int{"RGB": 3, "GRAY": 1, "CMYK": 4}

// tags are what a conversion to sRGB with perceptual intent needs.
var tags = map[string]func(tag []byte, channels int) error{
	"A2B0": checkLUT,
	"rTRC": checkCurve, "gTRC": checkCurve, "bTRC": checkCurve, "kTRC": checkCurve,
	"rXYZ": checkXYZ, "gXYZ": checkXYZ, "bXYZ": checkXYZ,
}

var errCut = errors.New("the profile is cut off")

// check returns a profile that has nothing but the tags, whose sizes are true, and the
// number of its channels.
func check(profile []byte) (checked []byte, channels int, err error) {
	if len(profile) < profileHead+4 {
		return nil, 0, errCut
	}
	if len(profile) > MostProfile {
		return nil, 0, fmt.Errorf("the profile has %d bytes; at most %d are read", len(profile), MostProfile)
	}
	space := strings.TrimRight(string(profile[16:20]), " ")
	channels, ok := spaces[space]
	if !ok {
		return nil, 0, fmt.Errorf("the profile is for colours of kind %q", space)
	}
	found, err := collect(profile, channels)
	if err != nil {
		return nil, 0, err
	}
	return assemble(profile[:profileHead], found), channels, nil
}

// tag is one of a profile.
type tag struct {
	name string
	data []byte
}

// collect finds the tags that are needed, and checks them.
func collect(profile []byte, channels int) ([]tag, error) {
	count := binary.BigEndian.Uint32(profile[profileHead:])
	entries := profile[profileHead+4:]
	if count > mostTags || int(count)*tagEntry > len(entries) {
		return nil, errCut
	}
	var found []tag
	total := 0
	for ; count > 0; count, entries = count-1, entries[tagEntry:] {
		name := string(entries[:4])
		checkTag := tags[name]
		if checkTag == nil {
			continue
		}
		data, err := part(profile, binary.BigEndian.Uint32(entries[4:]), binary.BigEndian.Uint32(entries[8:]))
		if err == nil {
			err = checkTag(data, channels)
		}
		if err != nil {
			return nil, fmt.Errorf("tag %q: %w", name, err)
		}
		if total += len(data); total > mostNeeded {
			return nil, fmt.Errorf("the profile has tables of more than %d bytes", mostNeeded)
		}
		found = append(found, tag{name, data})
	}
	return found, nil
}

func part(data []byte, offset, size uint32) ([]byte, error) {
	if uint64(offset)+uint64(size) > uint64(len(data)) {
		return nil, errCut
	}
	return data[offset : offset+size], nil
}

// assemble makes a profile of the tags, each followed by the zeros that the last of
// several curves may lack.
func assemble(head []byte, found []tag) []byte {
	const padding = 8
	out := binary.BigEndian.AppendUint32(append([]byte(nil), head...), uint32(len(found)))
	offset := len(out) + len(found)*tagEntry
	for _, t := range found {
		out = append(out, t.name...)
		out = binary.BigEndian.AppendUint32(out, uint32(offset))
		out = binary.BigEndian.AppendUint32(out, uint32(len(t.data)+padding))
		offset += len(t.data) + padding
	}
	for _, t := range found {
		out = append(append(out, t.data...), make([]byte, padding)...)
	}
	return out
}

func checkXYZ(tag []byte, _ int) error {
	if len(tag) < 20 || string(tag[:4]) != "XYZ " {
		return errCut
	}
	return nil
}

func checkCurve(tag []byte, _ int) error {
	_, err := curveSize(tag)
	return err
}

// curveSize is how many bytes a curve takes, with its padding.
func curveSize(curve []byte) (int, error) {
	if len(curve) < 12 {
		return 0, errCut
	}
	size := 0
	switch kind := string(curve[:4]); kind {
	case "curv":
		points := binary.BigEndian.Uint32(curve[8:])
		if points > mostPoints {
			return 0, fmt.Errorf("a curve of %d points", points)
		}
		size = 12 + 2*int(points)
	case "para":
		parameters := []int{1, 3, 4, 5, 7}
		function := int(binary.BigEndian.Uint16(curve[8:]))
		if function >= len(parameters) {
			return 0, fmt.Errorf("a parametric curve of kind %d", function)
		}
		size = 12 + 4*parameters[function]
	default:
		return 0, fmt.Errorf("a curve of kind %q", kind)
	}
	if size > len(curve) {
		return 0, errCut
	}
	return (size + 3) &^ 3, nil
}
