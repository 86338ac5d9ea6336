package tiff

import "math"

// Header is what can be said of a picture before its pixels are read.
type Header struct {
	Width, Height int    // as stored, before Orientation
	Orientation   int    // that of EXIF, 1 to 8; 1 where the file says nothing or nonsense
	Bits          int    // of a sample in the file
	ICCProfile    []byte // the embedded profile of the picture that Decode returns, part of the data; nil: none
	CMYK          bool   // Decode returns *image.CMYK
	Lab           bool   // stored as Lab; Decode returns sRGB
	Memory        int64  // bytes that Decode takes at worst, the picture included; math.MaxInt64: more than can be said
}

// ReadHeader reads what the file says of its first page. It allocates little, whatever
// that is. Errors are FormatError or UnsupportedError; a file of which only pixels are
// damaged has a Header.
func ReadHeader(data []byte) (Header, error) {
	p, err := readPage(data)
	if err != nil {
		return Header{}, err
	}
	h := Header{
		Width: p.width, Height: p.height, Orientation: p.number(tagOrientation, 1), Bits: p.bits,
		CMYK: p.photometric == separated, Lab: p.isLab(), Memory: p.memory(),
	}
	if h.Orientation < 1 || h.Orientation > 8 {
		h.Orientation = 1
	}
	if !h.Lab {
		h.ICCProfile = p.tags[tagICCProfile].raw
	}
	return h, nil
}

func (p *page) isLab() bool {
	return p.photometric == cieLab || p.photometric == iccLab || p.photometric == ituLab
}

// memory is what Decode takes at worst: the picture, for deep samples also as floating
// point, a segment, a row, and what the codec needs.
func (p *page) memory() int64 {
	perPixel := int64(1)
	if p.keepsWords() {
		perPixel = 2 + 2
	}
	if p.deep() {
		perPixel += 4
	}
	perPixel *= int64(p.channels())
	const tables = 1 << 20
	total := int64(tables)
	for _, part := range []int64{
		times(int64(p.width), int64(p.height), perPixel),
		p.buffered(),
		times(int64(p.grid.width), int64(p.together()), 8), // a row of samples, and of deep ones
		p.codecMemory(),
	} {
		if total > math.MaxInt64-part {
			return math.MaxInt64
		}
		total += part
	}
	return total
}

// buffered is what a segment takes: nothing where it is read from the data.
func (p *page) buffered() int64 {
	if p.compression == uncompressed {
		return 0
	}
	return p.segmentBytes()
}

// codecMemory is what a codec takes beside a segment.
func (p *page) codecMemory() int64 {
	pixels := times(int64(p.grid.width), int64(p.grid.height))
	reversed := int64(0)
	if p.fillsFromLow() {
		reversed = int64(len(p.data))
	}
	switch p.compression {
	case oldJPEG:
		return times(max(pixels, times(int64(p.width), int64(p.height))), 24)
	case jpegInTIFF, webpInTIFF:
		return times(pixels, 24) // planes, coefficients of a progressive JPEG, a copy
	case lzmaInTIFF:
		return min(p.segmentBytes(), math.MaxInt64-reversed) + reversed // the dictionary
	}
	if p.subX*p.subY > 1 {
		return times(int64(p.grid.width), int64(p.subY), 3) + reversed
	}
	return reversed
}
