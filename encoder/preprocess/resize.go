package preprocess

import (
	"image"
	"sync"
)

// resize calls emit with each row of the resized picture, from the top; the
// row is valid during the call. There is one pass along rows and one along
// columns, rounded to bytes in between. The pass along columns comes first
// under the condition that Pillow has (ImagingResampleInner), since the order
// changes the rounding.
func resize(img image.Image, width, height int, f filter, on path, emit func(y int, row planes)) {
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	size := img.Bounds().Size()
	across := newRowPass(f, size.X, width, on, s)
	source := planes{grow(s.source, 3*across.reach), across.reach}
	narrow := planes{grow(s.narrow, 3*width), width}
	s.source, s.narrow = source.samples, narrow.samples
	read := rowReader(img, on)
	if size.Y == height {
		for y := range height {
			read(source, y)
			emit(y, across.run(narrow, source))
		}
		return
	}
	rows := f.resample(size.Y, height)
	if lost := size.Y - height; lost > 0 && lost > (size.X-width)*2 {
		down := newColumnPass(rows, source.stride, on, s)
		for y := range size.Y {
			read(source, y)
			down.add(source, y, func(y int, row planes) { emit(y, across.run(narrow, row)) })
		}
		return
	}
	down := newColumnPass(rows, width, on, s)
	for y := range size.Y {
		read(source, y)
		down.add(across.run(narrow, source), y, emit)
	}
}

// scratch is working memory that later calls use again.
type scratch struct {
	source, narrow, done []int16
	sums                 []int32
	taps                 taps
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// rowPass resamples rows.
type rowPass struct {
	taps  *taps
	skip  bool // the width stays
	reach int  // length of a plane of the source, of which the end does not count
	on    path
}

func newRowPass(f filter, in, out int, on path, s *scratch) rowPass {
	if in == out {
		return rowPass{skip: true, reach: in}
	}
	s.taps.reset(f.resample(in, out))
	return rowPass{taps: &s.taps, reach: in + s.taps.each, on: on}
}

// run returns the resampled row, which may be in out or be the source itself.
func (p rowPass) run(out, in planes) planes {
	if p.skip {
		return in
	}
	p.on.across(out, in, p.taps)
	return out
}

// columnPass resamples columns while the rows of the source go by once: each
// is added to all the output rows that need it. Only those rows are in memory.
type columnPass struct {
	rows []weights
	next int     // output row that is to be completed next
	open int     // output rows that may be incomplete at a time
	sums []int32 // [open][3][stride], output row o at o % open
	row  planes
	on   path
}

func newColumnPass(rows []weights, stride int, on path, s *scratch) *columnPass {
	p := &columnPass{rows: rows, on: on}
	first := 0
	for o, w := range rows {
		for rows[first].last() < w.first {
			first++
		}
		p.open = max(p.open, o-first+1)
	}
	s.sums, s.done = grow(s.sums, p.open*3*stride), grow(s.done, 3*stride)
	p.sums, p.row = s.sums, planes{s.done, stride}
	return p
}

// add takes the next source row, number y, and emits the output rows that it
// completes.
func (p *columnPass) add(in planes, y int, emit func(y int, row planes)) {
	n := len(in.samples)
	for o := p.next; o < len(p.rows) && p.rows[o].first <= y; o++ {
		w := p.rows[o]
		sums := p.sums[o%p.open*n:][:n]
		if y == w.first {
			p.on.start(sums, in.samples, w.k[0])
		} else {
			p.on.add(sums, in.samples, w.k[y-w.first])
		}
		if y == w.last() {
			p.on.finish(p.row.samples, sums)
			emit(o, p.row)
			p.next = o + 1
		}
	}
}
