package augment

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/rand/v2"
)

// middle is what models take for 0.
var middle = image.NewUniform(color.RGBA{128, 128, 128, 255})

// hole chooses a rectangle anywhere in a picture, up to twice as wide as high or
// as high as wide, in proportion to the picture.
func (o Options) hole(size image.Point, r *rand.Rand) image.Rectangle {
	area, aspect := o.CutoutArea.draw(r), math.Exp2(around(r, 1))
	width := side(size.X, math.Sqrt(area*aspect))
	height := side(size.Y, math.Sqrt(area/aspect))
	at := image.Pt(r.IntN(size.X-width+1), r.IntN(size.Y-height+1))
	return image.Rectangle{Min: at, Max: at.Add(image.Pt(width, height))}
}

// cut makes a rectangle grey (DeVries and Taylor, "Improved regularization of
// convolutional neural networks with cutout", 2017).
func cut(canvas *image.RGBA, hole image.Rectangle) {
	draw.Draw(canvas, hole, middle, image.Point{}, draw.Src)
}
