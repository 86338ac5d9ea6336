package inspect

import (
	"image"
	"math/bits"

	"golang.org/x/image/draw"
)

// Signature is how a picture looks from afar. Pictures that were scaled,
// compressed anew or stored in another format keep it nearly.
//
// It is the difference hash of 16 x 16 bits (dHash, Neal Krawetz, "Kind of like
// that", 2013): whether brightness grows from one cell to the next in a row.
// Since that is blind to colour, there are the colours of 4 x 4 cells besides.
type Signature struct {
	Bits    [4]uint64
	Colours [3 * colourCells * colourCells]uint8
}

const (
	hashCells   = 16
	colourCells = 4
	// leastStep is by how many of 255 levels brightness must grow. Without it, the
	// bits of plain surfaces would be those of the noise of compression.
	leastStep = 2
	// maxSide bounds the samples that are looked at.
	maxSide = 272
)

// Sign gives the signature of a picture that has pixels. What is transparent is
// grey, so that both black and white drawings show.
func Sign(picture image.Image) Signature {
	flat := onGrey(picture)
	return Signature{hashBits(flat), colours(flat)}
}

// Near reports whether two signatures differ in at most so many of the 256 bits, and
// little in colour.
func (s Signature) Near(other Signature, most int) bool {
	distance := 0
	for i, word := range s.Bits {
		distance += bits.OnesCount64(word ^ other.Bits[i])
	}
	if distance > most {
		return false
	}
	for i, level := range s.Colours {
		if max(level, other.Colours[i])-min(level, other.Colours[i]) > maxColourStep {
			return false
		}
	}
	return true
}

// maxColourStep is in levels of 255; compression changes means by less.
const maxColourStep = 12

// onGrey samples a picture in at most maxSide x maxSide points.
func onGrey(picture image.Image) *image.RGBA {
	size := picture.Bounds().Size()
	flat := image.NewRGBA(image.Rect(0, 0, min(size.X, maxSide), min(size.Y, maxSide)))
	if flat.Rect.Size() == size {
		draw.Draw(flat, flat.Rect, picture, picture.Bounds().Min, draw.Src)
	} else {
		draw.NearestNeighbor.Scale(flat, flat.Rect, picture, picture.Bounds(), draw.Src, nil)
	}
	for i := 0; i < len(flat.Pix); i += 4 {
		grey := (255 - flat.Pix[i+3]) / 2
		flat.Pix[i] += grey // premultiplied: the sum is at most 255
		flat.Pix[i+1] += grey
		flat.Pix[i+2] += grey
	}
	return flat
}

func hashBits(flat *image.RGBA) [4]uint64 {
	var found [4]uint64
	for y := range hashCells {
		last := brightness(flat, 0, y)
		for x := range hashCells {
			next := brightness(flat, x+1, y)
			if next > last+leastStep {
				at := y*hashCells + x
				found[at/64] |= 1 << (at % 64)
			}
			last = next
		}
	}
	return found
}

// brightness is of one of 17 x 16 cells, in levels of 255 (ITU-R BT.601).
func brightness(flat *image.RGBA, x, y int) float64 {
	mean := cellMean(flat, x, y, hashCells+1, hashCells)
	return 0.299*mean[0] + 0.587*mean[1] + 0.114*mean[2]
}

func colours(flat *image.RGBA) [3 * colourCells * colourCells]uint8 {
	var found [3 * colourCells * colourCells]uint8
	for y := range colourCells {
		for x := range colourCells {
			for c, level := range cellMean(flat, x, y, colourCells, colourCells) {
				found[3*(y*colourCells+x)+c] = uint8(level + 0.5)
			}
		}
	}
	return found
}

// cellMean is the mean R, G and B of cell x, y of columns x rows. Cells of a
// picture that has fewer pixels share them.
func cellMean(flat *image.RGBA, x, y, columns, rows int) [3]float64 {
	left, right := cellRange(x, columns, flat.Rect.Dx())
	top, bottom := cellRange(y, rows, flat.Rect.Dy())
	var sum [3]int
	for row := top; row < bottom; row++ {
		pixels := flat.Pix[flat.PixOffset(left, row):flat.PixOffset(right, row)]
		for i := 0; i < len(pixels); i += 4 {
			sum[0] += int(pixels[i])
			sum[1] += int(pixels[i+1])
			sum[2] += int(pixels[i+2])
		}
	}
	count := float64((right - left) * (bottom - top))
	return [3]float64{float64(sum[0]) / count, float64(sum[1]) / count, float64(sum[2]) / count}
}

func cellRange(cell, cells, size int) (from, to int) {
	from = cell * size / cells
	return from, max((cell+1)*size/cells, from+1)
}

// band is one of 16 parts of the bits, one from every row and, over the rows,
// from every column. Signatures that differ in fewer than 16 bits agree in at
// least one band.
func (s Signature) band(number int) uint16 {
	var band uint16
	for y := range hashCells {
		at := y*hashCells + (number+5*y)%hashCells
		band |= uint16(s.Bits[at/64]>>(at%64)&1) << y
	}
	return band
}
