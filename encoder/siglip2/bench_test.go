package siglip2_test

import (
	"fmt"
	"testing"

	"polylens/encoder/ort"
	"polylens/encoder/siglip2"
)

// BenchmarkTowers times two layers of B/16-224 with fused attention and with
// standard operators alone; items/s counts texts or pictures.
func BenchmarkTowers(b *testing.B) {
	reference := readReference(b, "base")
	config, index := checkpoint(b, reference.Config)
	for _, portable := range []bool{false, true} {
		text, vision := build(b, config, index, siglip2.Options{Portable: portable})
		name := map[bool]string{false: "fused", true: "portable"}[portable]
		for _, batch := range []int{1, 8} {
			ids := ort.Ints(make([]int64, int64(batch)*config.Text.Length), int64(batch), config.Text.Length)
			b.Run(fmt.Sprintf("text/%s/batch=%d", name, batch), func(b *testing.B) {
				benchmarkRun(b, session(b, text, index.Dir), ids, batch)
			})
			b.Run(fmt.Sprintf("vision/%s/batch=%d", name, batch), func(b *testing.B) {
				benchmarkRun(b, session(b, vision, index.Dir), pixels(config, batch), batch)
			})
		}
	}
}

func benchmarkRun(b *testing.B, session *ort.Session, input ort.Tensor, items int) {
	for b.Loop() {
		if _, err := session.Run(b.Context(), input); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(items)*float64(b.N)/b.Elapsed().Seconds(), "items/s")
}
