package augment

import (
	"image"
	"math"
	"math/rand/v2"
)

// background is the colour of each place: from at one end of a direction, to at
// the other, both in levels of 255.
type background struct {
	from, to [3]float64
	across   float64 // cosine of the direction
	down     float64 // sine
}

var (
	white = [3]float64{255, 255, 255}
	black = [3]float64{}
)

// lay puts a background under what is transparent.
func (o Options) lay(canvas *image.RGBA, r *rand.Rand) {
	under := background{from: white, to: white}
	if chance(r, o.Background) {
		under = randomBackground(r, meanBrightness(canvas))
	}
	under.lay(canvas)
}

// randomBackground is black, one colour, or two, in equal shares. light is the
// brightness of what lies on it.
func randomBackground(r *rand.Rand, light float64) background {
	colour := func() [3]float64 {
		return clear([3]float64{255 * r.Float64(), 255 * r.Float64(), 255 * r.Float64()}, light)
	}
	switch r.IntN(3) {
	case 0:
		plain := clear(black, light)
		return background{from: plain, to: plain}
	case 1:
		plain := colour()
		return background{from: plain, to: plain}
	}
	sin, cos := math.Sincos(2 * math.Pi * r.Float64())
	return background{colour(), colour(), cos, sin}
}

// leastDifference is how far, in levels of 255, a background stays from the
// brightness of what lies on it: a black drawing must not vanish on black.
const leastDifference = 40

// clear gives a colour, or black or white where it is as bright as the picture.
func clear(colour [3]float64, light float64) [3]float64 {
	own := luma[0]*colour[0] + luma[1]*colour[1] + luma[2]*colour[2]
	switch {
	case math.Abs(own-light) >= leastDifference:
		return colour
	case light < 128:
		return white
	}
	return black
}

// lay makes the canvas opaque.
func (b background) lay(canvas *image.RGBA) {
	width, height := canvas.Rect.Dx(), canvas.Rect.Dy()
	for y := range height {
		row := canvas.Pix[y*canvas.Stride:][:canvas.Stride]
		for x := range width {
			p := row[4*x : 4*x+4 : 4*x+4]
			if p[3] == 255 {
				continue
			}
			colour := b.at(x, y, width, height)
			rest := 255 - uint32(p[3])
			for c, level := range colour {
				p[c] += byte((uint32(level)*rest + 127) / 255) // premultiplied: at most 255
			}
			p[3] = 255
		}
	}
}

// at is the colour of a pixel.
func (b background) at(x, y, width, height int) [3]byte {
	u := (2*float64(x)+1)/float64(width) - 1 // -1 to 1
	v := (2*float64(y)+1)/float64(height) - 1
	share := min(max((b.across*u+b.down*v+1)/2, 0), 1)
	var colour [3]byte
	for c := range colour {
		colour[c] = byte(b.from[c] + (b.to[c]-b.from[c])*share + 0.5)
	}
	return colour
}

// plainTolerance is how far, in levels of 255, the pixels of a plain border may
// be apart; compression changes them.
const plainTolerance = 12

// plainShare is how much of the border must be background: a drawing may touch it.
const plainShare = 0.6

// plainBorder gives the colour of a picture's corners where they are opaque and
// alike, and most of the border is too: a drawing with a background of its own is
// continued in that colour, and does not become a card on another background.
func plainBorder(canvas *image.RGBA) (colour [3]float64, plain bool) {
	corner := canvas.RGBAAt(0, 0)
	alike := func(x, y int) bool {
		p := canvas.RGBAAt(x, y)
		return p.A == 255 && near(p.R, corner.R) && near(p.G, corner.G) && near(p.B, corner.B)
	}
	right, bottom := canvas.Rect.Dx()-1, canvas.Rect.Dy()-1
	if !alike(0, 0) || !alike(right, 0) || !alike(0, bottom) || !alike(right, bottom) {
		return colour, false
	}
	count := 0
	for x := range right + 1 {
		count += among(alike(x, 0), alike(x, bottom))
	}
	for y := range bottom + 1 {
		count += among(alike(0, y), alike(right, y))
	}
	plain = float64(count) >= plainShare*float64(2*(right+bottom+2))
	return [3]float64{float64(corner.R), float64(corner.G), float64(corner.B)}, plain
}

func near(a, b byte) bool { return max(a, b)-min(a, b) <= plainTolerance }

// among counts what is true.
func among(values ...bool) int {
	count := 0
	for _, value := range values {
		if value {
			count++
		}
	}
	return count
}
