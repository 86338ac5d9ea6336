package decode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"math"

	"polylens/indexer/decode/outside"
)

const jpeg2000 = "jpeg2000"

// codestreamMagic is the beginning of a bare codestream: SOC and SIZ.
const codestreamMagic = "\xff\x4f\xff\x51"

// codestream is what the main header of a JPEG 2000 codestream says (ISO/IEC 15444-1,
// annex A).
type codestream struct {
	area       image.Rectangle // of the picture on the reference grid
	components int
	levels     int // how often all components can be halved
}

// size is that of the picture after so many halvings of its sides.
func (c codestream) size(halvings int) image.Point {
	return image.Pt(
		halved(c.area.Max.X, halvings)-halved(c.area.Min.X, halvings),
		halved(c.area.Max.Y, halvings)-halved(c.area.Min.Y, halvings))
}

func halved(v, times int) int { return (v + 1<<times - 1) >> times }

var errNoCodestream = errors.New("it has no JPEG 2000 codestream")

// findCodestream looks for the first codestream among the boxes of a JP2 file.
func findCodestream(data []byte) ([]byte, error) {
	if hasMagic(data, codestreamMagic) {
		return data, nil
	}
	for len(data) >= 16 {
		head, size := uint64(8), uint64(binary.BigEndian.Uint32(data))
		switch size {
		case 0: // to the end
			size = uint64(len(data))
		case 1:
			head, size = 16, binary.BigEndian.Uint64(data[8:])
		}
		if string(data[4:8]) == "jp2c" {
			return data[head:], nil
		}
		if size < head || size > uint64(len(data)) {
			break
		}
		data = data[size:]
	}
	return nil, errNoCodestream
}

// readCodestream reads the main header.
func readCodestream(data []byte) (codestream, error) {
	const siz, sizLength = 4, 38 // where the content of the segment begins, its length without components
	data, err := findCodestream(data)
	if err != nil {
		return codestream{}, err
	}
	if !hasMagic(data, codestreamMagic) || len(data) < siz+sizLength {
		return codestream{}, errNoCodestream
	}
	at := func(i int) int { return int(binary.BigEndian.Uint32(data[siz+4+4*i:])) }
	c := codestream{
		area:       image.Rectangle{Min: image.Pt(at(2), at(3)), Max: image.Pt(at(0), at(1))},
		components: int(binary.BigEndian.Uint16(data[siz+36:])),
	}
	if c.area.Empty() || c.components == 0 {
		return codestream{}, fmt.Errorf("%w with pixels", errNoCodestream)
	}
	c.levels = fewestLevels(data[siz:])
	return c, nil
}

// fewestLevels reads COD and COC of the main header, behind a marker.
func fewestLevels(segments []byte) int {
	const none, cod, coc, sot = 33, 0xFF52, 0xFF53, 0xFF90
	levels := none
	for {
		length := int(binary.BigEndian.Uint16(segments))
		if length < 2 || length+4 > len(segments) {
			break
		}
		marker := binary.BigEndian.Uint16(segments[length:])
		segments = segments[length+2:]
		if marker == sot || len(segments) < 9 {
			break
		}
		switch marker {
		case cod:
			levels = min(levels, int(segments[7]))
		case coc:
			levels = 0 // components of their own kind: none is halved
		}
	}
	if levels == none {
		return 0
	}
	return levels
}

func jpeg2000Config(t task) (image.Config, error) {
	c, err := readCodestream(t.data)
	if err != nil {
		return image.Config{}, err
	}
	size := c.size(0)
	return image.Config{Width: size.X, Height: size.Y}, nil
}

// runJPEG2000 decodes with OpenJPEG at the smallest size that is enough for the target.
func (t task) runJPEG2000() (picture, error) {
	if !t.decoder.Outside.Has(OpenJPEG) {
		return picture{}, faultf(Unsupported, "JPEG 2000 is read with OpenJPEG, which is not there: %s", runSetup)
	}
	c, err := readCodestream(t.data)
	if err != nil {
		return picture{}, err
	}
	p, err := t.openJPEG(c, t.halvings(c))
	if errors.Is(err, outside.ErrRefused) && t.halvings(c) > 0 { // a tile may allow fewer
		p, err = t.openJPEG(c, 0)
	}
	return p, err
}

func (t task) openJPEG(c codestream, halvings int) (picture, error) {
	return t.outside(outside.Request{
		Decoder: OpenJPEG, Full: c.size(0), Size: c.size(halvings), Scale: halvings,
		Tolerant: !t.limits.RefuseDamaged, Memory: c.memory(halvings, len(t.data)),
	}, func(reply outside.Reply) image.Image { return reply.Image })
}

// memory is what OpenJPEG takes at worst: the data, which it copies, numbers of four
// bytes and what describes their blocks (measured: less than 5 bytes a sample), the
// picture, the picture in sRGB and the upright picture.
func (c codestream) memory(halvings, data int) int64 {
	const perSample, perPixel, fixed = 6, 4 + 4 + 4, 16 << 20
	size := c.size(halvings)
	return int64(size.X)*int64(size.Y)*int64(perSample*c.components+perPixel) + 4*int64(data) + fixed
}

// halvings is how often the sides are halved and still serve the target.
func (t task) halvings(c codestream) int {
	const most = 5
	if t.target == nil || t.decoder.Exact {
		return 0
	}
	full := t.upright()
	want := image.Pt(t.target(full.X, full.Y))
	for halvings := min(c.levels, most); halvings > 0; halvings-- {
		size := turned(c.size(halvings), t.meta.orientation)
		if halvedEnough(full.X, size.X, want.X, halvings) && halvedEnough(full.Y, size.Y, want.Y, halvings) {
			return halvings
		}
	}
	return 0
}

// halvedEnough reports whether a halved side serves the target as well as the side. It
// shows what the side shows up to half a pixel too early, and is rounded: see mostShift.
func halvedEnough(side, small, target, halvings int) bool {
	early := (1 - 1/float64(int(1)<<halvings)) / 2
	rounded := math.Abs(float64(side)/float64(int(1)<<halvings) - float64(small))
	return (early+rounded)/float64(small)*float64(target) <= mostShift
}
