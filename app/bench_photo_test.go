package main

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// photoQuality is the quality that cameras use; see texture for the size of the files.
const photoQuality = 88

// writePhotos renders as many different JPEGs and returns their mean size in
// bytes for each pixel. Files of cameras have 0.2 to 0.4.
func writePhotos(t testing.TB, folder string, first, count, width, height int) float64 {
	t.Helper()
	grain := texture()
	written := 0
	for number := first; number < first+count; number++ {
		data := photoJPEG(t, grain, number, width, height)
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%04d.jpg", number)), data, 0o600); err != nil {
			t.Fatal(err)
		}
		written += len(data)
	}
	return float64(written) / float64(count*width*height)
}

func photoJPEG(t testing.TB, grain []uint8, number, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, photo(grain, number, width, height), &jpeg.Options{Quality: photoQuality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// textureSide is a power of two.
const textureSide = 1024

// texture is a tile of smooth noise at all scales, stronger at the larger ones,
// as the surfaces in photographs are, and of a sensor's grain.
func texture() []uint8 {
	random := rand.New(rand.NewPCG(5, 5))
	sum := make([]float64, textureSide*textureSide)
	for cell, strength := 256, 60.0; cell >= 2; cell, strength = cell/2, strength*0.66 {
		addNoise(sum, random, cell, strength)
	}
	tile := make([]uint8, len(sum))
	for i, value := range sum {
		tile[i] = uint8(min(max(128+value+4*random.NormFloat64(), 0), 255))
	}
	return tile
}

// addNoise adds random values at the corners of cells, interpolated between.
func addNoise(sum []float64, random *rand.Rand, cell int, strength float64) {
	corners := textureSide / cell
	values := make([]float64, corners*corners)
	for i := range values {
		values[i] = strength * (2*random.Float64() - 1)
	}
	at := func(x, y int) float64 { return values[y%corners*corners+x%corners] }
	for y := range textureSide {
		row, v := y/cell, float64(y%cell)/float64(cell)
		for x := range textureSide {
			column, u := x/cell, float64(x%cell)/float64(cell)
			top := at(column, row)*(1-u) + at(column+1, row)*u
			bottom := at(column, row+1)*(1-u) + at(column+1, row+1)*u
			sum[y*textureSide+x] += top*(1-v) + bottom*v
		}
	}
}

// photo lays pieces of the tile beside each other, with edges between them.
func photo(grain []uint8, number, width, height int) image.Image {
	random := rand.New(rand.NewPCG(7, uint64(number)))
	picture := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	fill(picture.Y, picture.YStride, grain, random, 1)
	fill(picture.Cb, picture.CStride, grain, random, 3)
	fill(picture.Cr, picture.CStride, grain, random, 3)
	return picture
}

// fill covers a plane with pieces of the tile, with the contrast divided by a number.
func fill(plane []uint8, stride int, grain []uint8, random *rand.Rand, divisor int) {
	pieces := make([][]int, 8)
	for row := range pieces {
		for range 8 {
			pieces[row] = append(pieces[row], random.IntN(textureSide*textureSide))
		}
	}
	height := len(plane) / stride
	for y := range height {
		row := plane[y*stride : (y+1)*stride]
		for x := range row {
			piece := pieces[y*8/height][x*8/stride]
			value := int(grain[(y*textureSide+x+piece)%(textureSide*textureSide)]) - 128
			row[x] = uint8(128 + value/divisor)
		}
	}
}
