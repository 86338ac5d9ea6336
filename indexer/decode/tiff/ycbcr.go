package tiff

import (
	"image"
	"math"
	"slices"
)

// conversion is from YCbCr to RGB, by sums of 16 bits of fraction for each value of a
// channel.
type conversion struct {
	luma                    [256]int32
	redOfRed, greenOfRed    [256]int32
	greenOfBlue, blueOfBlue [256]int32
}

// conversion is that of the file (section 21 of TIFF 6.0); that of a JPEG of the new style
// is always that of JFIF, as libtiff has it.
func (p *page) conversion() *conversion {
	red, green, blue := 0.299, 0.587, 0.114
	reference := []float64{0, 255, 128, 255, 128, 255}
	if p.compression != jpegInTIFF && p.compression != webpInTIFF {
		if v := p.tags[tagYCbCrCoefficients]; v.len() >= 3 && v.float(1) > 0 {
			red, green, blue = v.float(0), v.float(1), v.float(2)
		}
		if v := p.tags[tagReferenceBlackWhite]; v.len() >= 6 {
			for i := range reference {
				reference[i] = v.float(i)
			}
		}
	}
	const one = 1 << 16
	c := new(conversion)
	for i := range 256 {
		y := one * span(i, reference[0], reference[1], 255)
		cb, cr := one*span(i, reference[2], reference[3], 127), one*span(i, reference[4], reference[5], 127)
		c.luma[i] = fixed(y) + one/2
		c.redOfRed[i] = fixed(cr * (2 - 2*red))
		c.greenOfRed[i] = fixed(-cr * (2 - 2*red) * red / green)
		c.greenOfBlue[i] = fixed(-cb * (2 - 2*blue) * blue / green)
		c.blueOfBlue[i] = fixed(cb * (2 - 2*blue))
	}
	return c
}

// span is what a code stands for, where black and white, or no color and most of it, have
// the codes given.
func span(code int, black, white, most float64) float64 {
	if white == black {
		return 0
	}
	return (float64(code) - black) * most / (white - black)
}

// fixed rounds, within what sums of three can hold.
func fixed(v float64) int32 {
	const most = math.MaxInt32 / 4
	if math.IsNaN(v) {
		return 0
	}
	return int32(math.Round(min(max(v, -most), most)))
}

// convert changes pixels of four bytes in place.
func (c *conversion) convert(pix []byte) {
	for ; len(pix) >= 4; pix = pix[4:] {
		y, cb, cr := c.luma[pix[0]], pix[1], pix[2]
		pix[0] = clamped(y + c.redOfRed[cr])
		pix[1] = clamped(y + c.greenOfRed[cr] + c.greenOfBlue[cb])
		pix[2] = clamped(y + c.blueOfBlue[cb])
	}
}

func clamped(v int32) byte { return byte(min(max(v>>16, 0), 255)) }

// drawUnits draws rows of units: first the luma of subX x subY pixels, then the Cb and Cr
// that they share. rows is how many rows of pixels there were.
func (d *decoder) drawUnits(data []byte, x, y int, size image.Point) (rows int) {
	unitRow, unit := int(d.unitRowBytes()), d.subX*d.subY+2
	width := unitRow / unit * d.subX
	d.units = slices.Grow(d.units[:0], width*3)[:width*3]
	for ; rows < size.Y && len(data) >= unitRow; data = data[unitRow:] {
		for down := 0; down < d.subY && rows < size.Y; down++ {
			for i := range width {
				from := data[i/d.subX*unit:][:unit]
				pixel := d.units[3*i:][:3]
				pixel[0], pixel[1], pixel[2] = from[down*d.subX+i%d.subX], from[unit-2], from[unit-1]
			}
			d.drawRow(d.units, 0, x, y+rows, size.X)
			rows++
		}
	}
	return rows
}
