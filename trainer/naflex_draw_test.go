package trainer

import (
	"testing"

	"polylens/encoder/preprocess"
)

// TestPatchesAreDrawn demands that every length is drawn as often as any other,
// for whole steps, and again alike.
func TestPatchesAreDrawn(t *testing.T) {
	const steps, parts, sizes = 3000, 2, 3
	r := &run{config: Config{Seed: 5, Batch: Batch{Accumulate: parts}}}
	for range sizes {
		r.processors = append(r.processors, new(preprocess.Processor))
	}
	other := &run{config: Config{Seed: 6, Batch: r.config.Batch}, processors: r.processors}
	drawn, alike := map[*preprocess.Processor]int{}, 0
	for step := range steps {
		processor := r.processor(step * parts)
		if r.processor(step*parts+1) != processor || r.processor(step*parts) != processor {
			t.Fatalf("step %d: its parts have several lengths", step)
		}
		drawn[processor]++
		if other.processor(step*parts) == processor {
			alike++
		}
	}
	for i, processor := range r.processors {
		if count := drawn[processor]; count < 900 || count > 1100 {
			t.Errorf("length %d is drawn in %d of %d steps", i, count, steps)
		}
	}
	if alike > 1100 {
		t.Errorf("another seed draws the same length in %d of %d steps", alike, steps)
	}
}
