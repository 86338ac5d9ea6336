package dds

import (
	"encoding/binary"
	"image"
)

// blocks sets the pixels of a row of blocks, each of 4 x 4 pixels, that begins at y. What
// of them lies outside of the picture is left out.
func (h *header) blocks(m *image.NRGBA, y int, row []byte) {
	for x := 0; len(row) >= h.depth; x += 4 {
		pixels := h.block(row[:h.depth])
		row = row[h.depth:]
		for down := range min(4, h.height-y) {
			to := m.Pix[m.PixOffset(x, y+down):]
			for across := range min(4, h.width-x) {
				copy(to[4*across:], pixels[4*down+across][:])
			}
		}
	}
}

// block returns the pixels of a block.
func (h *header) block(data []byte) (pixels [16][4]byte) {
	if h.layout == bc1 {
		setColors(&pixels, data, true)
		return pixels
	}
	setColors(&pixels, data[8:], false)
	if h.layout == bc2 {
		for i := range pixels {
			pixels[i][3] = data[i/2] >> (4 * (i % 2)) & 15 * 17
		}
		return pixels
	}
	levels := alphas(data[0], data[1])
	indices := uint64(binary.LittleEndian.Uint32(data[2:])) | uint64(binary.LittleEndian.Uint16(data[6:]))<<32
	for i := range pixels {
		pixels[i][3] = levels[indices>>(3*i)&7]
	}
	return pixels
}

// setColors chooses each pixel from two colours and two between them. If the first is
// not the greater one, and holes may be, there is one between them, and a hole.
func setColors(pixels *[16][4]byte, data []byte, holes bool) {
	first, second := binary.LittleEndian.Uint16(data), binary.LittleEndian.Uint16(data[2:])
	a, b := from565(first), from565(second)
	colors := [4][4]byte{a, b, between(a, b, 2, 1), between(a, b, 1, 2)}
	if holes && first <= second {
		colors[2], colors[3] = between(a, b, 1, 1), [4]byte{}
	}
	indices := binary.LittleEndian.Uint32(data[4:])
	for i := range pixels {
		pixels[i] = colors[indices>>(2*i)&3]
	}
}

func from565(v uint16) [4]byte {
	r, g, b := byte(v>>11), byte(v>>5&63), byte(v&31)
	return [4]byte{r<<3 | r>>2, g<<2 | g>>4, b<<3 | b>>2, 255}
}

// between is the mean of two colours with weights.
func between(a, b [4]byte, weightA, weightB int) (mean [4]byte) {
	for i := range mean {
		mean[i] = byte((int(a[i])*weightA + int(b[i])*weightB) / (weightA + weightB))
	}
	return mean
}

// alphas are the levels between two: six of them, or four with 0 and 255.
func alphas(first, second byte) (levels [8]byte) {
	levels[0], levels[1], levels[7] = first, second, 255
	steps := 5
	if first > second {
		steps = 7
	}
	for i := 1; i < steps; i++ {
		levels[i+1] = byte((int(first)*(steps-i) + int(second)*i) / steps)
	}
	return levels
}
