package preprocess

import (
	"image"
	"sync"
)

// buffers are used again by later calls: the intermediate picture and one
// source row.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

func borrow(n int) *[]byte {
	b := buffers.Get().(*[]byte)
	if cap(*b) < n {
		*b = make([]byte, n)
	}
	*b = (*b)[:n]
	return b
}

// resize returns the picture as interleaved RGB bytes [height, width, 3].
// As in Pillow, rows are resampled first, then columns, with the result in
// between rounded to bytes.
func resize(img image.Image, height, width int, f filter) []byte {
	size := img.Bounds().Size()
	columns, rows := f.resample(size.X, width), f.resample(size.Y, height)
	narrow := borrow(size.Y * width * 3)
	defer buffers.Put(narrow)
	source := borrow(size.X * 3)
	defer buffers.Put(source)
	readRow := rowReader(img)
	for y := range size.Y {
		out := (*narrow)[y*width*3:][:width*3]
		if size.X == width {
			readRow(out, y)
			continue
		}
		readRow(*source, y)
		resampleRow(out, *source, columns)
	}
	out := make([]byte, height*width*3)
	if size.Y == height {
		copy(out, *narrow)
		return out
	}
	resampleColumns(out, *narrow, rows, width*3)
	return out
}

// resampleRow makes one row of RGB pixels.
func resampleRow(out, in []byte, columns []weights) {
	for i, w := range columns {
		const half = 1 << (precision - 1)
		r, g, b := int32(half), int32(half), int32(half)
		in := in[w.first*3:][:len(w.k)*3]
		for j, k := range w.k {
			p := in[j*3 : j*3+3 : j*3+3]
			r += int32(p[0]) * k
			g += int32(p[1]) * k
			b += int32(p[2]) * k
		}
		out[3*i], out[3*i+1], out[3*i+2] = clip(r), clip(g), clip(b)
	}
}

// resampleColumns makes all rows of the result; stride is the length of a row
// in bytes. Whole rows are added up, which reads memory in order.
func resampleColumns(out, in []byte, rows []weights, stride int) {
	sums := make([]int32, stride)
	for y, w := range rows {
		for i := range sums {
			sums[i] = 1 << (precision - 1)
		}
		for j, k := range w.k {
			row := in[(w.first+j)*stride:][:len(sums)]
			for i, v := range row {
				sums[i] += int32(v) * k
			}
		}
		line := out[y*stride:][:len(sums)]
		for i, s := range sums {
			line[i] = clip(s)
		}
	}
}

// clip takes a sum back to a byte.
func clip(s int32) byte {
	return byte(min(max(s>>precision, 0), 255))
}
