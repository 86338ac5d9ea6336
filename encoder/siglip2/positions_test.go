package siglip2_test

import (
	"math"
	"testing"

	"polylens/encoder/siglip2"
)

// TestPositionWeights resizes the numbers 0 to 15, a table of 4 x 4, and
// compares with torch 2.15: interpolate(..., mode="bilinear",
// align_corners=False, antialias=True).
func TestPositionWeights(t *testing.T) {
	config := siglip2.VisionConfig{Positions: 16}
	tests := []struct {
		rows, columns int
		want          []float64
	}{
		{2, 3, []float64{3.15714, 4.35714, 5.55714, 9.44286, 10.64286, 11.84286}},
		{4, 4, []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}},
		{1, 1, []float64{7.5}},
		{1, 5, []float64{6, 6.7, 7.5, 8.3, 9}},
	}
	for _, test := range tests {
		weights := siglip2.PositionWeights(config, test.rows, test.columns)
		if len(weights) != test.rows*test.columns*16 {
			t.Fatalf("%d x %d: %d weights", test.rows, test.columns, len(weights))
		}
		for i, want := range test.want {
			var got, sum float64
			for j, w := range weights[16*i:][:16] {
				got += float64(w) * float64(j)
				sum += float64(w)
			}
			if math.Abs(got-want) > 1e-4 || math.Abs(sum-1) > 1e-6 {
				t.Errorf("%d x %d, patch %d: %v, want %v; weights add up to %v", test.rows, test.columns, i, got, want, sum)
			}
		}
	}
}
