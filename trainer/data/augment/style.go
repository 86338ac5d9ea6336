package augment

import (
	"image"
	"math"
	"math/rand/v2"
)

// restyleShape changes lines and outline of what is drawn, before a background
// is laid under it.
func (o Options) restyleShape(canvas *image.RGBA, r *rand.Rand) *image.RGBA {
	if chance(r, o.Thicken) {
		canvas = thicken(canvas, r.IntN(2) == 0)
	}
	if chance(r, o.Outline) {
		canvas = outline(canvas, byte(255*r.IntN(2)))
	}
	return canvas
}

// restyleSurface changes how an opaque picture is rendered.
func (o Options) restyleSurface(canvas *image.RGBA, r *rand.Rand) *image.RGBA {
	if o.Gamma > 0 {
		toneCurve(canvas, gammaCurve(math.Exp(around(r, o.Gamma))))
	}
	if chance(r, o.Posterize) {
		toneCurve(canvas, posterCurve(2+r.IntN(4)))
	}
	if chance(r, o.Edges) {
		canvas = edges(canvas)
	}
	if chance(r, o.Coarse) {
		coarsen(canvas)
	}
	if chance(r, o.Noise) {
		noise(canvas, 255*o.NoiseSigma.draw(r), r)
	}
	return canvas
}

// greatest gives the greatest value of f in a square of 2*reach+1 pixels.
func greatest(canvas *image.RGBA, x, y, reach int, f func(pixel []byte) byte) byte {
	var most byte
	for v := max(y-reach, 0); v <= min(y+reach, canvas.Rect.Dy()-1); v++ {
		for u := max(x-reach, 0); u <= min(x+reach, canvas.Rect.Dx()-1); u++ {
			most = max(most, f(canvas.Pix[v*canvas.Stride+4*u:][:4:4]))
		}
	}
	return most
}

// thicken spreads what is dark, or else what is light, by a pixel; the shape
// stays.
func thicken(canvas *image.RGBA, dark bool) *image.RGBA {
	out := image.NewRGBA(canvas.Rect)
	for y := range canvas.Rect.Dy() {
		for x := range canvas.Rect.Dx() {
			at := y*canvas.Stride + 4*x
			alpha := uint32(canvas.Pix[at+3])
			out.Pix[at+3] = byte(alpha)
			if alpha == 0 {
				continue
			}
			for c := range 3 {
				// Beside the shape lies white where darkness spreads, else black.
				level := greatest(canvas, x, y, 1, func(p []byte) byte {
					if dark {
						return p[3] - p[c]
					}
					return p[c]
				})
				if dark {
					level = 255 - level
				}
				out.Pix[at+c] = byte((uint32(level)*alpha + 127) / 255)
			}
		}
	}
	return out
}

// outlineReach is the width of an outline in pixels.
const outlineReach = 2

// outline draws a line of a grey level around the shape, as stickers have.
func outline(canvas *image.RGBA, level byte) *image.RGBA {
	out := image.NewRGBA(canvas.Rect)
	for y := range canvas.Rect.Dy() {
		for x := range canvas.Rect.Dx() {
			at := y*canvas.Stride + 4*x
			pixel := canvas.Pix[at : at+4]
			alpha := greatest(canvas, x, y, outlineReach, func(p []byte) byte { return p[3] })
			ink := byte((uint32(alpha-pixel[3])*uint32(level) + 127) / 255)
			for c := range 3 {
				out.Pix[at+c] = pixel[c] + ink // at most alpha
			}
			out.Pix[at+3] = alpha
		}
	}
	return out
}

// toneCurve maps the levels of all channels of an opaque picture.
func toneCurve(canvas *image.RGBA, curve [256]byte) {
	for i := 0; i < len(canvas.Pix); i += 4 {
		p := canvas.Pix[i : i+3 : i+3]
		p[0], p[1], p[2] = curve[p[0]], curve[p[1]], curve[p[2]]
	}
}

// gammaCurve raises levels from 0 to 1 to a power.
func gammaCurve(power float64) (curve [256]byte) {
	for v := range curve {
		curve[v] = byte(255*math.Pow(float64(v)/255, power) + 0.5)
	}
	return curve
}

// posterCurve leaves so many levels beside black.
func posterCurve(levels int) (curve [256]byte) {
	for v := range curve {
		step := math.Round(float64(v*levels) / 255)
		curve[v] = byte(255*step/float64(levels) + 0.5)
	}
	return curve
}

// edgeGain makes soft edges show as well.
const edgeGain = 3

// edges draws how much brightness changes from a pixel to those right of and
// below it, dark on white.
func edges(canvas *image.RGBA) *image.RGBA {
	out := image.NewRGBA(canvas.Rect)
	width, height := canvas.Rect.Dx(), canvas.Rect.Dy()
	level := func(x, y int) int {
		p := canvas.Pix[y*canvas.Stride+4*x:][:3]
		return (int(p[0]) + int(p[1]) + int(p[2])) / 3
	}
	for y := range height {
		for x := range width {
			own := level(x, y)
			right, below := level(min(x+1, width-1), y)-own, level(x, min(y+1, height-1))-own
			ink := byte(max(255-edgeGain*(max(right, -right)+max(below, -below)), 0))
			copy(out.Pix[y*out.Stride+4*x:], []byte{ink, ink, ink, 255})
		}
	}
	return out
}

// coarsen gives each square of 2 x 2 pixels its mean; what is left over at the
// right and bottom stays.
func coarsen(canvas *image.RGBA) {
	small := shrink(canvas, 2)
	for y := range 2 * small.Rect.Dy() {
		for x := range 2 * small.Rect.Dx() {
			copy(canvas.Pix[y*canvas.Stride+4*x:][:4], small.Pix[y/2*small.Stride+x/2*4:])
		}
	}
}

// noise adds normal noise of sigma levels to each channel.
func noise(canvas *image.RGBA, sigma float64, r *rand.Rand) {
	for i := 0; i < len(canvas.Pix); i += 4 {
		for c := range 3 {
			v := float64(canvas.Pix[i+c]) + sigma*r.NormFloat64()
			canvas.Pix[i+c] = byte(min(max(math.Round(v), 0), 255))
		}
	}
}
