package psd

import (
	"image"
	"math"
)

// fromLab converts CIE Lab (white D50, L of 0 to 100 as 0 to 255, a and b with an offset
// of 128) to sRGB, in place.
func fromLab(m *image.NRGBA) {
	for i := 0; i < len(m.Pix); i += 4 {
		p := m.Pix[i : i+3]
		y := (float64(p[0])/255*100 + 16) / 116
		x, z := y+(float64(p[1])-128)/500, y-(float64(p[2])-128)/200
		p[0], p[1], p[2] = fromXYZ(0.9642*cubed(x), cubed(y), 0.8249*cubed(z))
	}
}

// cubed is the inverse of the cube root of CIE Lab, which is straight near black.
func cubed(t float64) float64 {
	const delta = 6.0 / 29
	if t > delta {
		return t * t * t
	}
	return 3 * delta * delta * (t - 4.0/29)
}

// fromXYZ converts from D50, by the matrix of sRGB that is adapted with Bradford's.
func fromXYZ(x, y, z float64) (r, g, b byte) {
	return encode(3.1338561*x - 1.6168667*y - 0.4906146*z),
		encode(-0.9787684*x + 1.9161415*y + 0.0334540*z),
		encode(0.0719453*x - 0.2289914*y + 1.4052427*z)
}

// encode is the transfer function of sRGB (IEC 61966-2-1).
func encode(v float64) byte {
	v = max(0, min(v, 1))
	if v <= 0.0031308 {
		v *= 12.92
	} else {
		v = 1.055*math.Pow(v, 1/2.4) - 0.055
	}
	return byte(v*255 + 0.5)
}
