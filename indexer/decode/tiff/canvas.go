package tiff

import "image/color"

// canvas holds samples on their way to a picture: bytes, words where the picture keeps 16
// bits, or points for deep ones. There are channels of them a pixel.
type canvas struct {
	width, channels int
	bytes           []byte
	words           []uint16
	points          []float32
}

// keepsWords reports whether the picture has 16 bits a channel: where a profile comes with
// it, which may spread the darkest 8 bits over much of what can be seen.
func (p *page) keepsWords() bool {
	isPlain := p.photometric == whiteIsZero || p.photometric == blackIsZero || p.photometric == rgb
	return p.bits > 8 && isPlain && p.tags[tagICCProfile].len() > 0
}

// channels is 1 for grey and indexes of a palette, 4 for all else.
func (p *page) channels() int {
	if p.colors == 1 && p.alpha == notGiven && !p.isLab() {
		return 1
	}
	return 4
}

func newCanvas(p *page) canvas {
	c := canvas{width: p.width, channels: p.channels()}
	n := p.width * p.height * c.channels
	switch {
	case p.deep():
		c.points = make([]float32, n)
	case p.keepsWords():
		c.words = make([]uint16, n)
	default:
		c.bytes = make([]byte, n)
	}
	return c
}

// channelsOf says where a sample goes; what is nowhere is not shown.
func (p *page) channelsOf(sample int) []int {
	grey := p.photometric == whiteIsZero || p.photometric == blackIsZero || p.photometric == mask
	switch {
	case sample == p.alpha:
		return []int{3}
	case sample >= p.colors:
		return nil
	case grey && p.channels() == 4:
		return []int{0, 1, 2}
	}
	return []int{sample}
}

// drawRow puts a row of a segment on the canvas, at most width pixels of it.
func (d *decoder) drawRow(row []byte, plane, x, y, width int) {
	samples := width * d.together()
	at, n := (y*d.canvas.width+x)*d.canvas.channels, width*d.canvas.channels
	switch {
	case d.deep():
		scatter(&d.page, d.canvas.points[at:][:n], d.unpackDeep(row, samples), plane)
	case d.keepsWords():
		scatter(&d.page, d.canvas.words[at:][:n], d.unpackWords(row, samples), plane)
	default:
		scatter(&d.page, d.canvas.bytes[at:][:n], d.unpack(row, samples), plane)
	}
}

// scatter copies samples of pixels, those of one plane or of all, to their channels.
func scatter[T byte | uint16 | float32](p *page, out, samples []T, plane int) {
	together, channels := p.together(), p.channels()
	switch {
	case together == channels && (channels == 1 || p.photometric == separated || p.colors == 3 && p.alpha == 3):
		copy(out, samples)
		return
	case together == 3 && p.colors == 3 && channels == 4:
		for len(out) >= 4 && len(samples) >= 3 {
			out[0], out[1], out[2] = samples[0], samples[1], samples[2]
			out, samples = out[4:], samples[3:]
		}
		return
	}
	for i := range together {
		for _, channel := range p.channelsOf(plane + i) {
			for from, to := i, channel; to < len(out); from, to = from+together, to+channels {
				out[to] = samples[from]
			}
		}
	}
}

// palette has 256 colors, since a sample may be any index. Files whose colors are all
// below 256 have bytes where 16 bits should be.
func (p *page) palette() color.Palette {
	v := p.tags[tagColorMap]
	third, shift := v.len()/3, 0
	for i := range min(v.len(), 3<<16) {
		if v.uint(i) > 255 {
			shift = 8
		}
	}
	out := make(color.Palette, 256)
	for i := range out {
		c := color.RGBA{A: 255}
		if i < third {
			at := func(channel int) uint8 { return uint8(v.uint(channel*third+i) >> shift) }
			c.R, c.G, c.B = at(0), at(1), at(2)
		}
		out[i] = c
	}
	return out
}
