package tiff

import (
	"encoding/binary"
	"slices"
)

// Values of tagPredictor.
const (
	noPredictor         = 1
	horizontalPredictor = 2
	floatingPredictor   = 3
)

// predicts reports whether the compression is one that a predictor may go before.
func (p *page) predicts() bool {
	switch p.compression {
	case lzwCompression, deflate, oldDeflate, zstdInTIFF, lzmaInTIFF:
		return p.predictor != noPredictor && p.subX*p.subY == 1
	}
	return false
}

func (p *page) checkPredictor() error {
	if !p.predicts() {
		return nil
	}
	whole := p.bits == 8 || p.bits == 16 || p.bits == 32 || p.bits == 64
	switch {
	case p.predictor == horizontalPredictor && whole:
	case p.predictor == floatingPredictor && p.format == floatingPoint:
	default:
		return unsupported("predictor %d with samples of %d bits and format %d", p.predictor, p.bits, p.format)
	}
	return nil
}

// undoPredictor makes samples of the differences between them, in place.
func (d *decoder) undoPredictor(row []byte) {
	switch {
	case !d.predicts():
	case d.predictor == floatingPredictor:
		d.undoFloating(row)
	case d.bits == 8:
		sumBytes(row, d.together())
	default:
		d.undoHorizontal(row)
	}
}

func sumBytes(row []byte, stride int) {
	for i := stride; i < len(row); i++ {
		row[i] += row[i-stride]
	}
}

func (d *decoder) undoHorizontal(row []byte) {
	size := d.bits / 8
	stride := d.together() * size
	for i := stride; i+size <= len(row); i += size {
		before, at := row[i-stride:], row[i:]
		switch d.bits {
		case 16:
			d.order.PutUint16(at, d.order.Uint16(at)+d.order.Uint16(before))
		case 32:
			d.order.PutUint32(at, d.order.Uint32(at)+d.order.Uint32(before))
		case 64:
			d.order.PutUint64(at, d.order.Uint64(at)+d.order.Uint64(before))
		}
	}
}

// undoFloating undoes differences of bytes, and puts the bytes of each number together:
// they stand apart, all the highest first (Adobe Photoshop TIFF Technical Note 3).
func (d *decoder) undoFloating(row []byte) {
	sumBytes(row, d.together())
	size := d.bits / 8
	n := len(row) / size
	d.row = slices.Grow(d.row[:0], len(row))[:len(row)]
	copy(d.row, row)
	for k := range size {
		to := k
		if d.order == binary.LittleEndian {
			to = size - 1 - k
		}
		for i, v := range d.row[k*n:][:n] {
			row[i*size+to] = v
		}
	}
}
