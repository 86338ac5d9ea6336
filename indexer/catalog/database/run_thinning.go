package database

import (
	"math"

	"polylens/indexer/catalog"
)

// thinning takes the points of a curve in order and keeps at most a given number.
type thinning struct {
	extent    runExtent
	stretches int64 // between first and last; 0 keeps all
	series    catalog.RunSeries
	stretch   int64 // that low and high belong to
	low, high catalog.RunPoint
	held      bool // whether low and high are set
}

func newThinning(extent runExtent, most int) *thinning {
	t := &thinning{extent: extent, series: catalog.RunSeries{Name: extent.name}}
	if most > 0 && extent.count > most {
		t.stretches = int64(most-2) / 2
	}
	return t
}

func (t *thinning) add(step int64, value float64) {
	if t.stretches == 0 || step == t.extent.first || step == t.extent.last {
		t.release()
		t.keep(step, value)
		return
	}
	if at := t.stretchOf(step); at != t.stretch {
		t.release()
		t.stretch = at
	}
	p := catalog.RunPoint{Step: step, Value: value}
	if !t.held {
		t.low, t.high, t.held = p, p, true
		return
	}
	if height(value) < height(t.low.Value) {
		t.low = p
	}
	if height(value) > height(t.high.Value) {
		t.high = p
	}
}

// stretchOf counts stretches in floating point, where no product overflows.
func (t *thinning) stretchOf(step int64) int64 {
	share := float64(step-t.extent.first) / float64(t.extent.last-t.extent.first)
	return min(int64(share*float64(t.stretches)), t.stretches-1)
}

// height puts values that are not finite above all others.
func height(value float64) float64 {
	if math.IsNaN(value) {
		return math.Inf(1)
	}
	return value
}

// release keeps the lowest and the highest point of a stretch, in order.
func (t *thinning) release() {
	if !t.held {
		return
	}
	first, second := t.low, t.high
	if second.Step < first.Step {
		first, second = second, first
	}
	t.keep(first.Step, first.Value)
	if second.Step != first.Step {
		t.keep(second.Step, second.Value)
	}
	t.held = false
}

func (t *thinning) keep(step int64, value float64) {
	t.series.Steps = append(t.series.Steps, step)
	t.series.Values = append(t.series.Values, value)
}

func (t *thinning) done() catalog.RunSeries {
	t.release()
	return t.series
}
