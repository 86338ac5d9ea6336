package tiff

import "math"

// labRange is what the bytes of a Lab picture stand for: value = least + code * step.
type labRange struct{ least, step [3]float64 }

// labRange follows section 23 of TIFF 6.0 for CIELab, the technical notes of Adobe for
// ICCLab and RFC 3949 for ITULab.
func (p *page) labRange() labRange {
	const percent = 100.0 / 255
	if p.photometric != ituLab {
		return labRange{[3]float64{0, -128, -128}, [3]float64{percent, 1, 1}}
	}
	limits := [6]float64{0, 100, -85, 85, -75, 125}
	if v := p.tags[tagDecode]; v.len() >= len(limits) {
		for i := range limits {
			limits[i] = v.float(i)
		}
	}
	var r labRange
	for i := range r.least {
		r.least[i], r.step[i] = limits[2*i], (limits[2*i+1]-limits[2*i])/255
	}
	return r
}

// labToRGB turns Lab of D50 into sRGB, in place, as a color management system does by its
// relative colorimetric and, without tables, its perceptual intent.
func (d *decoder) labToRGB(pix []byte) {
	ranges := d.labRange()
	var lightness, redGreen, yellowBlue [256]float64
	for i := range 256 {
		code := i
		if d.photometric == cieLab { // a and b have a sign
			code = int(int8(i)) + 128
		}
		lightness[i] = ranges.least[0] + float64(i)*ranges.step[0]
		redGreen[i] = ranges.least[1] + float64(code)*ranges.step[1]
		yellowBlue[i] = ranges.least[2] + float64(code)*ranges.step[2]
	}
	convert := newLabConverter()
	for ; len(pix) >= 4; pix = pix[4:] {
		a, b := redGreen[pix[1]], yellowBlue[pix[2]]
		if d.colors == 1 {
			a, b = 0, 0
		}
		pix[0], pix[1], pix[2] = convert.rgb(lightness[pix[0]], a, b)
	}
}

// labConverter holds the encoding of sRGB for equal steps of light.
type labConverter struct{ encoded [1 << 14]byte }

func newLabConverter() *labConverter {
	c := new(labConverter)
	for i := range c.encoded {
		light := float64(i) / float64(len(c.encoded)-1)
		if light <= 0.0031308 {
			light *= 12.92
		} else {
			light = 1.055*math.Pow(light, 1/2.4) - 0.055
		}
		c.encoded[i] = byte(math.Round(light * 255))
	}
	return c
}

// rgb goes by XYZ of D50, and the primaries of sRGB adapted to D50 (IEC 61966-2-1, Bradford).
func (c *labConverter) rgb(l, a, b float64) (red, green, blue byte) {
	const whiteX, whiteZ = 0.9642, 0.8249
	fy := (l + 16) / 116
	x, y, z := whiteX*linear(fy+a/500), linear(fy), whiteZ*linear(fy-b/200)
	return c.encode(3.1338561*x - 1.6168667*y - 0.4906146*z),
		c.encode(-0.9787684*x + 1.9161415*y + 0.0334540*z),
		c.encode(0.0719453*x - 0.2289914*y + 1.4052427*z)
}

// linear is the inverse of the cube root of CIE 1976.
func linear(f float64) float64 {
	const knee, slope = 6.0 / 29, 3 * 36.0 / 841
	if f > knee {
		return f * f * f
	}
	return slope * (f - 4.0/29)
}

func (c *labConverter) encode(light float64) byte {
	return c.encoded[int(min(max(light, 0), 1)*float64(len(c.encoded)-1)+0.5)]
}
