package tiff

import "math"

// page is what the directory of one picture says, checked.
type page struct {
	file
	directory
	width, height int
	bits          int // of every sample
	samples       int // of a pixel, extra ones included
	format        int // of samples: unsignedInteger, signedInteger or floatingPoint
	photometric   int
	compression   int
	predictor     int
	planes        int // 1, or samples where each has a plane of its own
	colors        int // samples that are color, the first ones
	alpha         int // the sample that is alpha, or notGiven
	premultiplied bool
	grid          grid
	subX, subY    int // pixels that share a sample of chroma where the codec leaves them so
}

// grid is how a plane is cut into strips or tiles.
type grid struct {
	width, height   int // of each, in pixels
	across, down    int // how many
	offsets, counts values
}

// mostDirectories bounds the search for a page.
const mostDirectories = 64

// readPage finds the first page, as Pillow does, whether it is a thumbnail or not; only a
// page that is the mask of another is passed over.
func readPage(data []byte) (page, error) {
	f, next, err := open(data)
	if err != nil {
		return page{}, err
	}
	for range mostDirectories {
		d, err := f.directory(next)
		if err != nil {
			return page{}, err
		}
		isMask := d.number(tagPhotometric, notGiven) == mask || d.number(tagNewSubfileType, 0)&maskPage != 0
		if !isMask || d.next == 0 {
			return newPage(f, d)
		}
		next = d.next
	}
	return page{}, malformed("it has no page but masks")
}

func newPage(f file, d directory) (page, error) {
	p := page{
		file: f, directory: d,
		width: d.number(tagImageWidth, 0), height: d.number(tagImageLength, 0),
		compression: d.number(tagCompression, uncompressed), predictor: d.number(tagPredictor, 1),
		format: d.number(tagSampleFormat, unsignedInteger), subX: 1, subY: 1,
	}
	if p.width == 0 || p.height == 0 {
		return page{}, malformed("it does not say how wide and high it is")
	}
	for _, step := range []func() error{p.readSamples, p.readColors, p.readGrid} {
		if err := step(); err != nil {
			return page{}, err
		}
	}
	return p, p.check()
}

// readSamples finds number and size of the samples of a pixel.
func (p *page) readSamples() error {
	bits := p.tags[tagBitsPerSample]
	p.bits = p.number(tagBitsPerSample, 1)
	p.samples = p.number(tagSamplesPerPixel, max(bits.len(), 1))
	if p.compression == oldJPEG { // often without these tags
		p.bits = 8
		p.samples = p.number(tagSamplesPerPixel, 3)
	}
	if p.samples < 1 || p.samples > math.MaxUint16 {
		return malformed("it has %d samples a pixel", p.samples)
	}
	for i := range min(bits.len(), p.samples) {
		if int(bits.uint(i)) != p.bits && p.compression != oldJPEG {
			return unsupported("a pixel of samples of %d and %d bits", p.bits, bits.uint(i))
		}
	}
	p.planes = 1
	if p.number(tagPlanarConfiguration, 1) == 2 && p.samples > 1 {
		p.planes = p.samples
	}
	return nil
}

// readColors finds what the samples mean.
func (p *page) readColors() error {
	fallback := whiteIsZero // as Pillow has it
	switch {
	case p.samples >= 3:
		fallback = rgb
	case p.bits > 8:
		fallback = blackIsZero
	}
	p.photometric = p.number(tagPhotometric, fallback)
	if p.compression == oldJPEG {
		p.photometric = ycbcr
	}
	switch p.photometric {
	case whiteIsZero, blackIsZero, palette, mask:
		p.colors = 1
	case rgb, ycbcr:
		p.colors = 3
		if p.samples < 3 {
			p.photometric, p.colors = blackIsZero, 1
		}
	case cieLab, iccLab, ituLab:
		p.colors = min(p.samples, 3)
		if p.colors == 2 {
			p.colors = 1
		}
	case separated:
		p.colors = 4
		inks := p.samples - p.tags[tagExtraSamples].len()
		if inks < 4 || inks > 4 && p.number(tagInkSet, 1) == otherInks {
			return unsupported("a picture of %d inks", inks)
		}
	default:
		return unsupported("%s", photometricName(p.photometric))
	}
	p.readAlpha()
	return nil
}

// readAlpha finds the first extra sample that is alpha. Where nothing says what the extra
// samples are, they are none: Photoshop keeps saved selections there.
func (p *page) readAlpha() {
	p.alpha = notGiven
	extra := p.tags[tagExtraSamples]
	if p.photometric == separated { // no picture of Go's has ink and alpha
		return
	}
	for i := range min(extra.len(), p.samples-p.colors) {
		switch extra.uint(i) {
		case associated, unassociated, corelAlpha:
			p.alpha, p.premultiplied = p.colors+i, extra.uint(i) == associated
			return
		}
	}
}

// readGrid finds strips or tiles.
func (p *page) readGrid() error {
	tileWidth, tileHeight := p.number(tagTileWidth, 0), p.number(tagTileLength, 0)
	g := grid{width: p.width, height: p.number(tagRowsPerStrip, p.height)}
	g.offsets, g.counts = p.tags[tagStripOffsets], p.tags[tagStripByteCounts]
	switch {
	case p.hasWholeJPEG():
		g.height, g.offsets = p.height, p.tags[tagJPEGOffset]
	case tileWidth > 0 && tileHeight > 0:
		g.width, g.height = tileWidth, tileHeight
		if tiles := p.tags[tagTileOffsets]; tiles.len() > 0 { // else old software has them in the tags of strips
			g.offsets, g.counts = tiles, p.tags[tagTileByteCounts]
		}
	case g.height <= 0 || g.height > p.height:
		g.height = p.height
	}
	g.across, g.down = ceilDiv(p.width, g.width), ceilDiv(p.height, g.height)
	p.grid = g
	if g.offsets.len() == 0 {
		return malformed("it does not say where its pixels are")
	}
	p.readSubsampling()
	return nil
}

// readSubsampling finds how many pixels share a sample of chroma. TIFF 6.0 has 2 x 2
// where nothing is said, but what says nothing and has room for all of it has all of it.
func (p *page) readSubsampling() {
	if p.photometric != ycbcr || p.leavesChroma() {
		return
	}
	v := p.tags[tagYCbCrSubsampling]
	if v.len() >= 2 {
		const most = 5 // which check refuses
		p.subX, p.subY = int(min(v.uint(0), most)), int(min(v.uint(1), most))
		return
	}
	if p.planes > 1 || p.samples != 3 {
		return
	}
	whole := uint64(p.grid.width) * uint64(p.grid.height) * 3
	if p.compression == uncompressed && p.grid.counts.uint(0) >= whole {
		return
	}
	p.subX, p.subY = 2, 2
}

// leavesChroma reports whether the codec makes whole pixels itself.
func (p *page) leavesChroma() bool {
	return p.compression == oldJPEG || p.compression == jpegInTIFF || p.compression == webpInTIFF
}

// check refuses what the rest of the package has no code for.
func (p *page) check() error {
	if p.format == untyped {
		p.format = unsignedInteger
	}
	deep := p.deep()
	_, isRead := codecs[p.compression]
	switch {
	case !isRead:
		return unreadCompression(p.compression)
	case p.bits < 1 || p.bits > 64:
		return unsupported("a sample of %d bits", p.bits)
	case p.format < unsignedInteger || p.format > floatingPoint:
		return unsupported("sample format %d (complex numbers)", p.format)
	case p.format == floatingPoint && p.bits != 16 && p.bits != 24 && p.bits != 32 && p.bits != 64:
		return unsupported("a floating-point number of %d bits", p.bits)
	case deep && p.photometric != whiteIsZero && p.photometric != blackIsZero && p.photometric != rgb:
		return unsupported("photometric interpretation %d with samples of %d bits", p.photometric, p.bits)
	case p.photometric == palette && p.tags[tagColorMap].len() < 3:
		return malformed("its palette is missing")
	case p.photometric == palette && p.bits > 8:
		return unsupported("a palette of %d bits", p.bits)
	case !p.sharesAsUsual():
		return unsupported("chroma shared by %d x %d pixels, with %d samples of %d bits in %d planes", p.subX, p.subY, p.samples, p.bits, p.planes)
	case p.leavesChroma() && p.bits != 8:
		return unsupported("compression %d with samples of %d bits", p.compression, p.bits)
	case isFax(p.compression) && (p.bits != 1 || p.samples != 1):
		return malformed("it is compressed like a fax, and has %d samples of %d bits", p.samples, p.bits)
	}
	return p.checkPredictor()
}

// sharesAsUsual reports whether pixels share chroma as TIFF 6.0 has it, or not at all.
func (p *page) sharesAsUsual() bool {
	isRatio := func(n int) bool { return n == 1 || n == 2 || n == 4 }
	isWhole := p.subX == 1 && p.subY == 1
	return isWhole || isRatio(p.subX) && isRatio(p.subY) && p.bits == 8 && p.samples == 3 && p.planes == 1
}

// deep reports whether samples have more bits than two bytes or a point, so that what is
// white among them is not a matter of bits alone.
func (p *page) deep() bool { return p.bits > 16 || p.format == floatingPoint }

// together is how many samples of a pixel stand in one segment.
func (p *page) together() int { return p.samples / p.planes }

// rowBytes is the length of a row of a segment, after decompression. It saturates.
func (p *page) rowBytes() int64 {
	return ceilDiv(times(int64(p.grid.width), int64(p.together()), int64(p.bits)), 8)
}

// segmentBytes is the length of a whole segment after decompression. It saturates.
func (p *page) segmentBytes() int64 {
	if p.subX*p.subY > 1 {
		return times(ceilDiv(int64(p.grid.height), int64(p.subY)), p.unitRowBytes())
	}
	return times(p.rowBytes(), int64(p.grid.height))
}

// unitRowBytes is the length of a row of units: the luma of subX x subY pixels and their
// one pair of chroma.
func (p *page) unitRowBytes() int64 {
	return times(ceilDiv(int64(p.grid.width), int64(p.subX)), int64(p.subX*p.subY+2))
}

func ceilDiv[T int | int64](a, b T) T { return a/b + min(a%b, 1) }

// times multiplies what is not negative; a product too large is math.MaxInt64.
func times(factors ...int64) int64 {
	product := int64(1)
	for _, f := range factors {
		if f != 0 && product > math.MaxInt64/f {
			return math.MaxInt64
		}
		product *= f
	}
	return product
}
