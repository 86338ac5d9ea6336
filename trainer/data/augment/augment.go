package augment

import (
	"image"
	"image/draw"
	"math"
	"math/rand/v2"

	"polylens/trainer/data/internal/random"
)

// forAugmentation keeps the random numbers apart from those of data/batch.
const forAugmentation uint64 = 0x61756720

// Augmenter applies options. It is read-only.
type Augmenter struct {
	options Options
	seed    uint64
}

// New checks the options.
func New(options Options, seed uint64) (*Augmenter, error) {
	return &Augmenter{options, seed}, options.Check()
}

// Apply gives a changed copy without transparency, which is the same for the
// same seed, sample and step. Where the options do nothing, it is the picture
// itself.
func (a *Augmenter) Apply(picture image.Image, sample, step uint64) image.Image {
	o := a.options
	size := o.Size
	o.Size = 0
	if o == (Options{}) || picture.Bounds().Empty() {
		return picture
	}
	o.Size = size
	return o.apply(picture, random.New(a.seed, forAugmentation, step, sample))
}

func (o Options) apply(picture image.Image, r *rand.Rand) *image.RGBA {
	canvas := copyOf(picture, o.crop(picture.Bounds(), r))
	if o.Size > 0 {
		canvas = shrink(canvas, min(canvas.Rect.Dx(), canvas.Rect.Dy())/(2*o.Size))
	}
	if chance(r, o.Flip) {
		flip(canvas)
	}
	if o.Scale != (Range{}) || o.Shift > 0 || o.Rotation > 0 || o.Stretch > 0 || o.Shear > 0 {
		border, plain := plainBorder(canvas)
		canvas = warp(canvas, o.placement(canvas.Rect.Size(), r))
		if plain {
			background{from: border, to: border}.lay(canvas)
		}
	}
	canvas = o.restyleShape(canvas, r)
	if m, change := o.colours(r, func() float64 { return meanBrightness(canvas) }); change {
		m.apply(canvas)
	}
	o.lay(canvas, r)
	canvas = o.restyleSurface(canvas, r)
	if chance(r, o.Blur) {
		blur(canvas, o.BlurSigma.draw(r)*float64(min(canvas.Rect.Dx(), canvas.Rect.Dy())))
	}
	if chance(r, o.Cutout) {
		cut(canvas, o.hole(canvas.Rect.Size(), r))
	}
	return canvas
}

func chance(r *rand.Rand, probability float64) bool {
	return probability > 0 && r.Float64() < probability
}

// draw gives a number of the range, all alike.
func (r Range) draw(from *rand.Rand) float64 { return r.Low + (r.High-r.Low)*from.Float64() }

// around gives a number from -most to most.
func around(r *rand.Rand, most float64) float64 { return most * (2*r.Float64() - 1) }

// copyOf gives a part of a picture as a working picture.
func copyOf(picture image.Image, part image.Rectangle) *image.RGBA {
	canvas := image.NewRGBA(image.Rectangle{Max: part.Size()})
	draw.Draw(canvas, canvas.Rect, picture, part.Min, draw.Src)
	return canvas
}

// crop chooses the part of a picture to keep.
func (o Options) crop(bounds image.Rectangle, r *rand.Rand) image.Rectangle {
	if o.CropScale == (Range{}) {
		return bounds
	}
	area, aspect := o.CropScale.draw(r), 1.0
	if o.CropAspect != (Range{}) {
		aspect = math.Exp(Range{math.Log(o.CropAspect.Low), math.Log(o.CropAspect.High)}.draw(r))
	}
	width := side(bounds.Dx(), math.Sqrt(area*aspect))
	height := side(bounds.Dy(), math.Sqrt(area/aspect))
	at := bounds.Min.Add(image.Pt(r.IntN(bounds.Dx()-width+1), r.IntN(bounds.Dy()-height+1)))
	return image.Rectangle{Min: at, Max: at.Add(image.Pt(width, height))}
}

// side is a share of a length, at least one pixel and at most all.
func side(length int, share float64) int {
	return min(max(int(math.Round(float64(length)*share)), 1), length)
}

// flip mirrors left to right.
func flip(canvas *image.RGBA) {
	for y := range canvas.Rect.Dy() {
		row := canvas.Pix[y*canvas.Stride:][:canvas.Stride]
		for i, j := 0, len(row)-4; i < j; i, j = i+4, j-4 {
			left, right := [4]byte(row[i:]), [4]byte(row[j:])
			copy(row[i:], right[:])
			copy(row[j:], left[:])
		}
	}
}

// shrink averages squares of so many pixels a side; what is left over at the
// right and bottom is dropped. Less than 2 changes nothing.
func shrink(canvas *image.RGBA, factor int) *image.RGBA {
	if factor < 2 {
		return canvas
	}
	size := canvas.Rect.Size().Div(factor)
	out := image.NewRGBA(image.Rectangle{Max: size})
	half := uint32(factor * factor / 2)
	for y := range size.Y {
		for x := range size.X {
			var sum [4]uint32
			for dy := range factor {
				row := canvas.Pix[(y*factor+dy)*canvas.Stride+4*x*factor:][:4*factor]
				for i := 0; i < len(row); i += 4 {
					sum[0] += uint32(row[i])
					sum[1] += uint32(row[i+1])
					sum[2] += uint32(row[i+2])
					sum[3] += uint32(row[i+3])
				}
			}
			for c, s := range sum {
				out.Pix[y*out.Stride+4*x+c] = byte((s + half) / uint32(factor*factor))
			}
		}
	}
	return out
}
