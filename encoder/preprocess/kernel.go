package preprocess

// #cgo CFLAGS: -O3
// #cgo noescape pixels_nrgba
// #cgo nocallback pixels_nrgba
// #cgo noescape pixels_rgba
// #cgo nocallback pixels_rgba
// #cgo noescape pixels_ycbcr
// #cgo nocallback pixels_ycbcr
// #cgo noescape pixels_spread
// #cgo nocallback pixels_spread
// #cgo noescape pixels_spread_both
// #cgo nocallback pixels_spread_both
// #cgo noescape pixels_across
// #cgo nocallback pixels_across
// #cgo noescape pixels_start
// #cgo nocallback pixels_start
// #cgo noescape pixels_add
// #cgo nocallback pixels_add
// #cgo noescape pixels_finish
// #cgo nocallback pixels_finish
// #include "kernel.h"
import "C"

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// path chooses among the machine code that the kernels were compiled to. The
// results are the same.
type path bool

const (
	portable path = false // what every processor of the architecture can do
	wide     path = true  // AVX2, on amd64
)

func fastestPath() path { return path(cpu.X86.HasAVX2) }

// planes is a row of pixels in three planes, red, green and blue, of samples
// from 0 to 255. Plane c begins at samples[c*stride].
type planes struct {
	samples []int16
	stride  int
}

func (p planes) plane(c, width int) []int16 { return p.samples[c*p.stride:][:width] }

func (p planes) rgb(width int) (r, g, b []int16) {
	return p.plane(0, width), p.plane(1, width), p.plane(2, width)
}

func (p path) nrgba(out planes, pixels []byte) {
	C.pixels_nrgba(C.bool(p), int16s(out.samples), C.int64_t(out.stride), bytes(pixels), C.int64_t(len(pixels)/4))
}

func (p path) rgba(out planes, pixels []byte) {
	C.pixels_rgba(C.bool(p), int16s(out.samples), C.int64_t(out.stride), bytes(pixels), C.int64_t(len(pixels)/4))
}

func (p path) ycbcr(out planes, luma, cb, cr []byte) {
	n := len(luma)
	cb, cr = cb[:n], cr[:n]
	C.pixels_ycbcr(C.bool(p), int16s(out.samples), C.int64_t(out.stride), bytes(luma), bytes(cb), bytes(cr), C.int64_t(n))
}

func (p path) spread(out, in []byte) {
	n := len(in)
	C.pixels_spread(C.bool(p), bytes(out[:2*n]), bytes(in), C.int64_t(n))
}

func (p path) spreadBoth(out []byte, sums []int16, near, far []byte) {
	n := len(near)
	C.pixels_spread_both(C.bool(p), bytes(out[:2*n]), int16s(sums[:n]), bytes(near), bytes(far[:n]), C.int64_t(n))
}

func (p path) across(out, in planes, t *taps) {
	C.pixels_across(C.bool(p), int16s(out.samples), C.int64_t(out.stride), int16s(in.samples), C.int64_t(in.stride),
		int32s(t.first), int16s(t.high), int16s(t.low), C.int64_t(t.each), C.int64_t(len(t.first)))
}

func (p path) start(sums []int32, in []int16, weight int32) {
	n := len(in)
	C.pixels_start(C.bool(p), int32s(sums[:n]), int16s(in), C.int32_t(weight), C.int64_t(n))
}

func (p path) add(sums []int32, in []int16, weight int32) {
	n := len(in)
	C.pixels_add(C.bool(p), int32s(sums[:n]), int16s(in), C.int32_t(weight), C.int64_t(n))
}

func (p path) finish(out []int16, sums []int32) {
	n := len(sums)
	C.pixels_finish(C.bool(p), int16s(out[:n]), int32s(sums), C.int64_t(n))
}

func bytes(s []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.SliceData(s)) }

func int16s(s []int16) *C.int16_t { return (*C.int16_t)(unsafe.SliceData(s)) }

func int32s(s []int32) *C.int32_t { return (*C.int32_t)(unsafe.SliceData(s)) }

// taps are the weights along a row as the kernel takes them: each output
// sample has the same number of them, those that it does not need being zero.
type taps struct {
	each      int
	first     []int32
	high, low []int16
}

// reset fills t. Whatever a row holds in t.each samples after its end does not
// count, but it must be readable.
func (t *taps) reset(columns []weights) {
	most := 0
	for _, w := range columns {
		most = max(most, len(w.k))
	}
	t.each = (most + C.TAP_STEP - 1) / C.TAP_STEP * C.TAP_STEP
	t.first = grow(t.first, len(columns))
	t.high, t.low = grow(t.high, t.each*len(columns)), grow(t.low, t.each*len(columns))
	clear(t.high)
	clear(t.low)
	for i, w := range columns {
		t.first[i] = int32(w.first)
		high, low := t.high[i*t.each:], t.low[i*t.each:]
		for j, k := range w.k {
			high[j], low[j] = int16(k>>C.LOW_BITS), int16(k&(1<<C.LOW_BITS-1))
		}
	}
}

// grow returns n elements, those of s where there are enough.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
