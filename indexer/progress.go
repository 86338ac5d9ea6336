package indexer

import (
	"sync"
	"time"

	"polylens/indexer/catalog"
)

// State is what a run is doing.
type State string

const (
	StateRepairing State = "repairing" // bringing the index up to date with the catalogue
	StateIndexing  State = "indexing"
	StateWaiting   State = "waiting" // for an index that is unavailable
	StateRemoving  State = "removing"
	StateDone      State = "done"
)

// Progress is how far a run has come. Every picture counts once in Done, and
// once in one of Encoded, Reused, Skipped and Failed. At the end of a run, Files.Seen is
// Done and all that Files says is no picture.
type Progress struct {
	State            State   `json:"state"`
	Total            int     `json:"total"` // pictures in the source: an estimate until all have been seen; 0 before
	Done             int     `json:"done"`
	Encoded          int     `json:"encoded"`           // by the model
	Reused           int     `json:"reused"`            // new or changed, with a vector that was known
	Skipped          int     `json:"skipped"`           // unchanged
	Failed           int     `json:"failed"`            // could not be read
	Removed          int     `json:"removed"`           // gone from the source
	Withheld         int     `json:"withheld"`          // gone, and not removed: see ErrRemovalWithheld
	Repaired         int     `json:"repaired"`          // rows of the index that were not as the catalogue says
	Rate             float64 `json:"rate"`              // pictures a second that needed work, over the last half minute
	RemainingSeconds float64 `json:"remaining_seconds"` // 0 when unknown
	CurrentURI       string  `json:"current_uri"`
	Files            Files   `json:"files"`
}

// Report is the outcome of a run.
type Report struct {
	Progress
	Seconds  float64           `json:"seconds"`
	Failures []catalog.Failure `json:"failures"` // the first MaxReported of the Failed pictures
	Warnings []catalog.Failure `json:"warnings"` // the first MaxReported that Files counts as Unusable or Warnings
}

// MaxReported bounds the failures and the warnings that a Report lists. All are in the
// catalogue.
const MaxReported = 100

const (
	progressEvery = 200 * time.Millisecond
	rateWindow    = 30 * time.Second
)

// tracker counts, and reports at most every progressEvery.
type tracker struct {
	tell func(Progress)

	mu       sync.Mutex
	now      Progress
	state    State // below a wait
	told     time.Time
	marks    []mark
	counted  bool // Total is exact
	failures []catalog.Failure
	warnings []catalog.Failure
}

// mark remembers how much work was done at a moment.
type mark struct {
	at   time.Time
	work int
}

func newTracker(tell func(Progress)) *tracker {
	if tell == nil {
		tell = func(Progress) {}
	}
	return &tracker{tell: tell, marks: []mark{{at: time.Now()}}}
}

// update changes the progress and reports it when it is time. tell is called
// under the lock: calls come one after another and in order.
func (t *tracker) update(change func(p *Progress)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.now)
	t.report(false)
}

func (t *tracker) enter(state State) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state, t.now.State = state, state
	t.report(true)
}

// waiting shows StateWaiting while the index is unavailable.
func (t *tracker) waiting(yes bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.State = t.state
	if yes {
		t.now.State = StateWaiting
	}
	t.report(true)
}

// fail counts a picture of the source that could not be read.
func (t *tracker) fail(failure catalog.Failure) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.Failed++
	t.now.Done++
	if len(t.failures) < MaxReported {
		t.failures = append(t.failures, failure)
	}
	t.report(false)
}

// warn counts a failure of any other kind but FailureOther.
func (t *tracker) warn(failure catalog.Failure) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.Files.warn(failure.Kind)
	if len(t.warnings) < MaxReported {
		t.warnings = append(t.warnings, failure)
	}
}

// estimated takes the count of pictures by their names.
func (t *tracker) estimated(total int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.counted {
		t.now.Total = total
	}
	t.report(false)
}

// walked takes the count of pictures by what they are.
func (t *tracker) walked(total int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.counted, t.now.Total = true, total
	t.report(false)
}

func (t *tracker) report(always bool) {
	now := time.Now()
	if !always && now.Sub(t.told) < progressEvery {
		return
	}
	t.told = now
	t.estimate(now)
	t.tell(t.snapshot())
}

// snapshot is a Progress that no longer changes.
func (t *tracker) snapshot() Progress {
	p := t.now
	p.Files = p.Files.clone()
	if p.Total > 0 {
		p.Total = max(p.Total, p.Done) // more are pictures than their names told
	}
	return p
}

// estimate counts only pictures that needed work: a stretch of unchanged ones
// says nothing about how long the rest takes.
func (t *tracker) estimate(now time.Time) {
	work := t.now.Encoded + t.now.Reused + t.now.Failed
	t.marks = append(t.marks, mark{at: now, work: work})
	for len(t.marks) > 2 && now.Sub(t.marks[1].at) > rateWindow {
		t.marks = t.marks[1:]
	}
	first := t.marks[0]
	t.now.Rate, t.now.RemainingSeconds = 0, 0
	if seconds := now.Sub(first.at).Seconds(); seconds > 0 && work > first.work {
		t.now.Rate = float64(work-first.work) / seconds
		t.now.RemainingSeconds = float64(max(0, t.now.Total-t.now.Done)) / t.now.Rate
	}
}

func (t *tracker) result(started time.Time) Report {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.estimate(time.Now())
	return Report{Progress: t.snapshot(), Seconds: time.Since(started).Seconds(), Failures: t.failures, Warnings: t.warnings}
}
