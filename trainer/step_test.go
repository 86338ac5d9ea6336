package trainer_test

import (
	"context"
	"sync/atomic"
	"testing"

	"polylens/trainer/data"
)

// counting counts how often pictures are read.
type counting struct {
	data.Opener
	count atomic.Int32
}

func (c *counting) Bytes(ctx context.Context, picture data.Picture) ([]byte, error) {
	c.count.Add(1)
	return c.Opener.Bytes(ctx, picture)
}

// TestAcrossParts demands that comparing the parts of a step with each other is
// something else than adding them up, that both repeat themselves bit by bit,
// and that one part is the same either way.
func TestAcrossParts(t *testing.T) {
	f := newFixture(t)
	weights := func(parts int, across bool) string {
		config := plain(t, "full")
		config.Batch.Accumulate, config.Batch.AcrossParts, config.Batch.Texts = parts, across, 2
		return f.weightsOf(t, config, t.TempDir())
	}
	across := weights(2, true)
	if weights(2, true) != across {
		t.Error("the same run gives other weights")
	}
	if weights(2, false) == across {
		t.Error("parts by themselves give the weights of parts across")
	}
	if weights(1, true) != weights(1, false) {
		t.Error("one part is not the same either way")
	}
}
