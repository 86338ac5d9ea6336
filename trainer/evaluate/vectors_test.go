package evaluate

import (
	"math"
	"testing"
)

func TestUnit(t *testing.T) {
	got, err := Unit([]float32{3, -4})
	if err != nil || math.Abs(float64(got[0])-0.6) > 1e-7 || math.Abs(float64(got[1])+0.8) > 1e-7 {
		t.Errorf("got %v, %v", got, err)
	}
	for name, vector := range map[string][]float32{
		"zero": {0, 0}, "no numbers": nil, "NaN": {1, float32(math.NaN())}, "infinite": {1, float32(math.Inf(-1))},
	} {
		if got, err := Unit(vector); err == nil {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
