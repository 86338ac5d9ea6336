package augment

import (
	"image"
	"math"
	"math/rand/v2"
)

// affine says where in the source a pixel of the result comes from: at the
// centre of pixel x, y it is u = a*x + b*y + c, v = d*x + e*y + f.
type affine struct{ a, b, c, d, e, f float64 }

// placement chooses size, place, angle and proportions on the canvas.
func (o Options) placement(size image.Point, r *rand.Rand) affine {
	zoom := 1.0
	if o.Scale != (Range{}) {
		zoom = math.Exp(Range{math.Log(o.Scale.Low), math.Log(o.Scale.High)}.draw(r))
	}
	m := place(size, zoom, around(r, o.Stretch), around(r, o.Rotation),
		around(r, o.Shift)*float64(size.X), around(r, o.Shift)*float64(size.Y))
	if o.Shear > 0 {
		m = m.shear(size, around(r, o.Shear))
	}
	return m
}

// shear moves rows of the source sideways by a share of their distance from its
// middle.
func (m affine) shear(size image.Point, share float64) affine {
	middle := float64(size.Y) / 2
	m.a += share * m.d
	m.b += share * m.e
	m.c += share * (m.f - middle)
	return m
}

// place puts a picture of a size on a canvas of that size: zoomed around the
// centre, stretched by exp(stretch) in width against height, turned by an angle
// in degrees clockwise, then moved by pixels.
func place(size image.Point, zoom, stretch, degrees, right, down float64) affine {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	across, along := 1/(zoom*math.Exp(stretch/2)), 1/(zoom*math.Exp(-stretch/2))
	m := affine{a: across * cos, b: across * sin, d: -along * sin, e: along * cos}
	x, y := float64(size.X)/2, float64(size.Y)/2
	m.c = x - m.a*(x+right) - m.b*(y+down)
	m.f = y - m.d*(x+right) - m.e*(y+down)
	return m
}

// Positions in the source are in units of 1/65536 pixel, weights of its pixels
// in 1/256: integers are faster, and round alike everywhere.
const (
	positionBits = 16
	weightBits   = 8
	one          = 1 << weightBits
)

// warp samples a picture between its pixels (bilinear). Outside of it, all is
// transparent.
func warp(canvas *image.RGBA, m affine) *image.RGBA {
	out := image.NewRGBA(canvas.Rect)
	fixed := func(v float64) int64 { return int64(math.Round(v * (1 << positionBits))) }
	stepU, stepV := fixed(m.a), fixed(m.d)
	for y := range out.Rect.Dy() {
		row := out.Pix[y*out.Stride:][:out.Stride]
		middle := float64(y) + 0.5
		u := fixed(m.a*0.5 + m.b*middle + m.c - 0.5) // the centre of pixel 0 is 0
		v := fixed(m.d*0.5 + m.e*middle + m.f - 0.5)
		for i := 0; i < len(row); i += 4 {
			sample(row[i:i+4:i+4], canvas, u, v)
			u += stepU
			v += stepV
		}
	}
	return out
}

// sample writes the mean of the four pixels around a position.
func sample(dst []byte, canvas *image.RGBA, u, v int64) {
	x, y := int(u>>positionBits), int(v>>positionBits)
	width, height := canvas.Rect.Dx(), canvas.Rect.Dy()
	if x < -1 || y < -1 || x >= width || y >= height {
		return
	}
	right := uint32(u>>(positionBits-weightBits)) & (one - 1)
	down := uint32(v>>(positionBits-weightBits)) & (one - 1)
	if x >= 0 && y >= 0 && x < width-1 && y < height-1 {
		upper := canvas.Pix[y*canvas.Stride+4*x:][:8:8]
		lower := canvas.Pix[(y+1)*canvas.Stride+4*x:][:8:8]
		for c := range 4 {
			top := uint32(upper[c])*(one-right) + uint32(upper[c+4])*right
			bottom := uint32(lower[c])*(one-right) + uint32(lower[c+4])*right
			dst[c] = byte((top*(one-down) + bottom*down + one*one/2) >> (2 * weightBits))
		}
		return
	}
	sampleEdge(dst, canvas, x, y, right, down)
}

// sampleEdge is sample where some of the pixels lie outside.
func sampleEdge(dst []byte, canvas *image.RGBA, x, y int, right, down uint32) {
	var sum [4]uint32
	for _, corner := range [4]struct {
		x, y   int
		weight uint32
	}{
		{x, y, (one - right) * (one - down)}, {x + 1, y, right * (one - down)},
		{x, y + 1, (one - right) * down}, {x + 1, y + 1, right * down},
	} {
		if !image.Pt(corner.x, corner.y).In(canvas.Rect) {
			continue
		}
		pixel := canvas.Pix[corner.y*canvas.Stride+4*corner.x:][:4]
		for c, level := range pixel {
			sum[c] += uint32(level) * corner.weight
		}
	}
	for c, s := range sum {
		dst[c] = byte((s + one*one/2) >> (2 * weightBits))
	}
}
