package reduced

import (
	"context"
	"encoding/binary"
	"image"
)

// Markers of ITU-T T.81, table B.1.
const (
	sof0 = 0xC0 // baseline
	sof1 = 0xC1 // extended sequential
	dht  = 0xC4
	rst0 = 0xD0
	soi  = 0xD8
	eoi  = 0xD9
	sos  = 0xDA
	dqt  = 0xDB
	dri  = 0xDD
	app0 = 0xE0
	com  = 0xFE
)

// header is what the segments before the scan say.
type header struct {
	width, height int
	baseline      bool
	components    []component
	ratio         image.YCbCrSubsampleRatio
	restart       int // MCUs between restart markers, 0 without
	quantization  [4]*[64]int32
	dc            [4]*codes
	ac            [4]*acCodes
}

// component is a plane of the picture.
type component struct {
	id           byte
	across, down int // blocks in an MCU
	quantization byte
	dc, ac       byte
}

// readHeader reads the segments and returns the data that follow the header of
// the first scan.
func readHeader(ctx context.Context, data []byte) (*header, []byte, error) {
	h := new(header)
	if len(data) < 2 || data[0] != 0xFF || data[1] != soi {
		return nil, nil, refuse("it does not begin as a JPEG")
	}
	for rest := data[2:]; ctx.Err() == nil; {
		for len(rest) > 1 && rest[0] == 0xFF && rest[1] == 0xFF {
			rest = rest[1:] // fill bytes
		}
		if len(rest) < 4 || rest[0] != 0xFF {
			return nil, nil, refuse("a segment is missing")
		}
		marker, length := rest[1], int(binary.BigEndian.Uint16(rest[2:]))
		if length < 2 || 2+length > len(rest) {
			return nil, nil, refuse("a segment is cut off")
		}
		segment := rest[4 : 2+length]
		rest = rest[2+length:]
		if err := h.segment(marker, segment); err != nil {
			return nil, nil, err
		}
		if marker == sos {
			return h, rest, nil
		}
	}
	return nil, nil, ctx.Err()
}

func (h *header) segment(marker byte, segment []byte) error {
	switch {
	case marker == sof0 || marker == sof1:
		h.baseline = marker == sof0
		return h.readFrame(segment)
	case marker == dht:
		return h.readCodes(segment)
	case marker == dqt:
		return h.readQuantization(segment)
	case marker == dri && len(segment) == 2:
		h.restart = int(binary.BigEndian.Uint16(segment))
		return nil
	case marker == sos:
		return h.readScan(segment)
	case marker >= app0 && marker < app0+16 || marker == com:
		return nil
	}
	return refuse("marker %#x", marker)
}

// readFrame reads the size and the components (B.2.2).
func (h *header) readFrame(segment []byte) error {
	if len(segment) < 6 || h.components != nil {
		return refuse("its frame is cut off, or it has two")
	}
	precision, count := segment[0], int(segment[5])
	h.height, h.width = int(binary.BigEndian.Uint16(segment[1:])), int(binary.BigEndian.Uint16(segment[3:]))
	if precision != 8 || count != 1 && count != 3 || len(segment) != 6+3*count || h.width == 0 || h.height == 0 {
		return refuse("a frame of %d bits and %d components", precision, count)
	}
	for i := range count {
		s := segment[6+3*i:]
		c := component{id: s[0], across: int(s[1] >> 4), down: int(s[1] & 15), quantization: s[2]}
		if c.quantization > 3 {
			return refuse("quantization table %d", c.quantization)
		}
		h.components = append(h.components, c)
	}
	if count == 1 { // the only one is not interleaved, whatever its factors are (A.2.2)
		h.components[0].across, h.components[0].down = 1, 1
		return nil
	}
	return h.readRatio()
}

// readRatio tells how the chroma of three components is sampled.
func (h *header) readRatio() error {
	luma, cb, cr := h.components[0], h.components[1], h.components[2]
	if cb.across != 1 || cb.down != 1 || cr.across != 1 || cr.down != 1 {
		return refuse("its sampling factors")
	}
	switch [2]int{luma.across, luma.down} {
	case [2]int{1, 1}:
		h.ratio = image.YCbCrSubsampleRatio444
	case [2]int{2, 1}:
		h.ratio = image.YCbCrSubsampleRatio422
	case [2]int{1, 2}:
		h.ratio = image.YCbCrSubsampleRatio440
	case [2]int{2, 2}:
		h.ratio = image.YCbCrSubsampleRatio420
	default:
		return refuse("its sampling factors")
	}
	return nil
}

// readQuantization reads quantization tables (B.2.4.1), in zigzag order.
func (h *header) readQuantization(segment []byte) error {
	for len(segment) > 0 {
		wide, to := int(segment[0]>>4), segment[0]&15
		if wide > 1 || to > 3 || len(segment) < 1+64*(1+wide) {
			return refuse("a quantization table is of another kind, or cut off")
		}
		table := new([64]int32)
		for i := range table {
			if wide == 1 {
				table[i] = int32(binary.BigEndian.Uint16(segment[1+2*i:]))
			} else {
				table[i] = int32(segment[1+i])
			}
		}
		h.quantization[to] = table
		segment = segment[1+64*(1+wide):]
	}
	return nil
}

// readCodes reads Huffman tables (B.2.4.2).
func (h *header) readCodes(segment []byte) error {
	for len(segment) > 0 {
		if len(segment) < 17 {
			return refuse("a Huffman table is cut off")
		}
		class, to, counts, total := segment[0]>>4, segment[0]&15, segment[1:17], 0
		for _, n := range counts {
			total += int(n)
		}
		if class > 1 || to > h.lastTable() || total == 0 || total > 256 || len(segment) < 17+total {
			return refuse("a Huffman table is of another kind, or cut off")
		}
		if err := h.addCodes(class, to, [16]byte(counts), segment[17:17+total]); err != nil {
			return err
		}
		segment = segment[17+total:]
	}
	return nil
}

// lastTable is the number of the last Huffman table that there may be.
func (h *header) lastTable() byte {
	if h.baseline {
		return 1
	}
	return 3
}

// addCodes takes over a table. One that replaces another takes its memory, for a
// file may define very many.
func (h *header) addCodes(class, to byte, counts [16]byte, symbols []byte) error {
	if class == 0 {
		if h.dc[to] == nil {
			h.dc[to] = new(codes)
		}
		return h.dc[to].order(counts, symbols)
	}
	if h.ac[to] == nil {
		h.ac[to] = new(acCodes)
	}
	return h.ac[to].order(counts, symbols)
}

// readScan reads which tables the components use (B.2.3). All components have
// to be in the one scan.
func (h *header) readScan(segment []byte) error {
	count := len(h.components)
	if count == 0 || len(segment) != 4+2*count || int(segment[0]) != count {
		return refuse("more than one scan")
	}
	for i := range h.components {
		c, s := &h.components[i], segment[1+2*i:]
		c.dc, c.ac = s[1]>>4, s[1]&15
		if s[0] != c.id || max(c.dc, c.ac) > h.lastTable() || h.dc[c.dc] == nil || h.ac[c.ac] == nil || h.quantization[c.quantization] == nil {
			return refuse("tables are missing")
		}
	}
	if tail := segment[1+2*count:]; tail[0] != 0 || tail[1] != 63 || tail[2] != 0 {
		return refuse("its scan is not sequential")
	}
	return nil
}
