package ort

import (
	"math"
	"strings"
	"testing"
)

func TestNarrowRefusesWhatDoesNotFit(t *testing.T) {
	if _, err := narrow([]int64{1, math.MaxInt32 + 1}); err == nil || !strings.Contains(err.Error(), "position 1") {
		t.Errorf("2^31 as int32 answers %v", err)
	}
	if got, err := narrow([]int64{math.MinInt32}); err != nil || got[0] != math.MinInt32 {
		t.Errorf("-2^31 as int32 is %v, %v", got, err)
	}
}
