package preprocess

import (
	"image"
	"sync"
)

// resize returns the picture as interleaved RGB bytes [height, width, 3]: one
// pass along rows, one along columns, rounded to bytes in between. The pass
// along columns comes first under the condition that Pillow has
// (ImagingResampleInner), since the order changes the rounding.
func resize(img image.Image, height, width int, f filter) []byte {
	size := img.Bounds().Size()
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	across := rowPass{columns: f.resample(size.X, width), skip: size.X == width}
	out := make([]byte, height*width*3)
	line := func(y int) []byte { return out[y*width*3:][:width*3] }
	read := rowReader(img)
	source := s.source.take(size.X * 3)
	if size.Y == height {
		for y := range height {
			read(source, y)
			across.run(line(y), source)
		}
		return out
	}
	rows := f.resample(size.Y, height)
	if lost := size.Y - height; lost > 0 && lost > (size.X-width)*2 {
		down := newColumnPass(rows, size.X*3, s)
		for y := range size.Y {
			read(source, y)
			down.add(source, y, func(y int, row []byte) { across.run(line(y), row) })
		}
		return out
	}
	down := newColumnPass(rows, width*3, s)
	narrow := s.narrow.take(width * 3)
	for y := range size.Y {
		read(source, y)
		across.run(narrow, source)
		down.add(narrow, y, func(y int, row []byte) { copy(line(y), row) })
	}
	return out
}

// scratch is working memory that later calls use again.
type scratch struct {
	source, narrow, row memory[byte]
	sums                memory[int32]
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

type memory[T any] []T

func (m *memory[T]) take(n int) []T {
	if cap(*m) < n {
		*m = make([]T, n)
	}
	return (*m)[:n]
}

const half = 1 << (precision - 1) // for rounding to nearest

// rowPass resamples rows of RGB pixels.
type rowPass struct {
	columns []weights
	skip    bool // the width stays
}

func (p rowPass) run(out, in []byte) {
	if p.skip {
		copy(out, in)
		return
	}
	for i, w := range p.columns {
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

// columnPass resamples columns while the rows of the source go by once: each
// is added to all the output rows that need it. Only those rows are in memory.
type columnPass struct {
	rows   []weights
	done   int     // output rows that are complete
	open   int     // output rows that may be incomplete at a time
	sums   []int32 // [open][stride], output row o at o % open
	row    []byte
	stride int
}

func newColumnPass(rows []weights, stride int, s *scratch) *columnPass {
	p := &columnPass{rows: rows, stride: stride}
	first := 0
	for o, w := range rows {
		for rows[first].last() < w.first {
			first++
		}
		p.open = max(p.open, o-first+1)
	}
	p.sums, p.row = s.sums.take(p.open*stride), s.row.take(stride)
	return p
}

// add takes the next source row, number y, and emits the output rows that it
// completes.
func (p *columnPass) add(in []byte, y int, emit func(y int, row []byte)) {
	for o := p.done; o < len(p.rows) && p.rows[o].first <= y; o++ {
		w := p.rows[o]
		sums := p.sums[o%p.open*p.stride:][:len(in)]
		k := w.k[y-w.first]
		if y == w.first {
			for i, v := range in {
				sums[i] = half + int32(v)*k
			}
		} else {
			for i, v := range in {
				sums[i] += int32(v) * k
			}
		}
		if y == w.last() {
			for i, s := range sums {
				p.row[i] = clip(s)
			}
			emit(o, p.row)
			p.done = o + 1
		}
	}
}

// clip takes a sum back to a byte.
func clip(s int32) byte {
	return byte(min(max(s>>precision, 0), 255))
}
