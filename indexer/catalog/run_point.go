package catalog

// RunPoint is one value of a run after a step.
type RunPoint struct {
	Name  string
	Step  int64
	Value float64 // NaN stands for anything that is not finite
}

// RunSeries is one value at growing steps.
type RunSeries struct {
	Name   string
	Steps  []int64
	Values []float64 // NaN where it was not finite
}

// RunPoints chooses points of a run.
type RunPoints struct {
	Names []string // all when empty
	From  int64    // only those of this step and later ones
	Most  int      // points of each name; 0 for all, else at least 4
}
