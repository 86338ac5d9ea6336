package catalog

import (
	"math"
)

// RunNews is a run as it is now, and what became of its points since the previous
// news: those of steps after Kept are gone, then it gained Points.
type RunNews struct {
	Run    Run
	Kept   int64
	Points []RunPoint
}

// KeptAll is RunNews.Kept where no point is gone.
const KeptAll = math.MaxInt64
