package decode

import (
	"image"

	"golang.org/x/image/draw"
)

// shrinkBand is how many rows or columns are scaled at a time.
const shrinkBand = 64

// shrink scales img to all of small as draw.CatmullRom does, which by itself takes 32 bytes for
// each pixel of a picture as wide as small and as high as img: more than img, mostly. So
// it scales the width first and then the height, with 4 bytes for each such pixel, in
// bands that share their memory.
func shrink(small *image.RGBA, img image.Image) {
	from, size := img.Bounds(), small.Rect.Size()
	narrow := image.NewRGBA(image.Rect(0, 0, size.X, from.Dy()))
	rows := draw.CatmullRom.NewScaler(size.X, shrinkBand, from.Dx(), shrinkBand)
	for y := 0; y < from.Dy(); y += shrinkBand {
		band := image.Rect(0, y, size.X, min(y+shrinkBand, from.Dy()))
		source := image.Rect(0, band.Min.Y, from.Dx(), band.Max.Y).Add(from.Min)
		rows.Scale(narrow, band, img, source, draw.Src, nil)
	}
	columns := draw.CatmullRom.NewScaler(shrinkBand, size.Y, shrinkBand, from.Dy())
	for x := 0; x < size.X; x += shrinkBand {
		source := image.Rect(x, 0, min(x+shrinkBand, size.X), from.Dy())
		band := image.Rect(source.Min.X, 0, source.Max.X, size.Y).Add(small.Rect.Min)
		columns.Scale(small, band, narrow, source, draw.Src, nil)
	}
}
