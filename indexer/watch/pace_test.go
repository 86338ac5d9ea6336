package watch

import (
	"testing"
	"time"

	"polylens/indexer/catalog"
)

var begin = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func at(seconds int) time.Time { return begin.Add(time.Duration(seconds) * time.Second) }

// scan is a job that took so many seconds up to an end.
func scan(id string, state catalog.JobState, started, finished int) catalog.Job {
	job := catalog.Job{ID: id, State: state}
	if started >= 0 {
		job.Started = at(started)
	}
	if state.Finished() {
		job.Finished = at(finished)
	}
	return job
}

func withheld(id string, started, finished int) catalog.Job {
	job := scan(id, catalog.JobFailed, started, finished)
	job.Progress = []byte(`{"withheld":20}`)
	return job
}

// TestPace: each step looks at a source at a moment, after some changes; the clock of the
// test is that of nobody else.
func TestPace(t *testing.T) {
	none, noChange := catalog.Job{}, []int(nil)
	type step struct {
		second  int
		changes []int // seconds at which something has changed, before
		last    catalog.Job
		due     bool
	}
	done := func(id string, started, finished int) catalog.Job {
		return scan(id, catalog.JobSucceeded, started, finished)
	}
	queued, running := scan("b", catalog.JobQueued, -1, 0), scan("b", catalog.JobRunning, 110, 0)
	for label, steps := range map[string][]step{
		"never scanned": {{0, noChange, none, true}},
		"by the clock":  {{10, noChange, done("a", 0, 5), false}, {604, noChange, done("a", 0, 5), false}, {605, noChange, done("a", 0, 5), true}},
		"a change, once it is quiet": {
			{10, noChange, done("a", 0, 1), false}, {102, []int{100}, done("a", 0, 1), false}, {103, noChange, done("a", 0, 1), true},
		},
		"changes that never end": {
			{10, noChange, done("a", 0, 1), false}, {102, []int{100, 101}, done("a", 0, 1), false}, {159, []int{130, 158}, done("a", 0, 1), false},
			{160, []int{159}, done("a", 0, 1), true},
		},
		"a change soon after a scan that took long": {
			{101, noChange, done("a", 70, 100), false}, {110, []int{102}, done("a", 70, 100), false}, {399, noChange, done("a", 70, 100), false},
			{400, noChange, done("a", 70, 100), true},
		},
		"a scan that takes longer than the interval": {
			{1001, []int{1000}, done("a", 0, 1000), false}, {1599, noChange, done("a", 0, 1000), false}, {1600, noChange, done("a", 0, 1000), true},
		},
		"a change that the next scan sees": {
			{50, noChange, done("a", 0, 1), false}, {100, []int{99}, queued, false}, {105, []int{101}, queued, false}, {111, noChange, running, false},
			{120, noChange, done("b", 110, 115), false}, {300, noChange, done("b", 110, 115), false},
		},
		"a change while it is scanned": {
			{50, noChange, done("a", 0, 1), false}, {100, []int{99}, queued, false}, {114, []int{112}, running, false},
			{120, noChange, done("b", 110, 115), false}, {165, noChange, done("b", 110, 115), true},
		},
		"a change that a scan of which nobody saw the beginning may have missed": {
			{50, noChange, done("a", 0, 1), false}, {120, []int{111}, done("b", 110, 115), false}, {165, noChange, done("b", 110, 115), true},
		},
		"a scan that was seen from its beginning by another's word alone": {
			{98, noChange, done("a", 0, 1), false}, {120, []int{97}, done("b", 110, 115), false}, {165, noChange, done("b", 110, 115), false},
		},
		"failed": {
			{50, []int{40}, scan("a", catalog.JobFailed, 0, 45), false}, {344, []int{300}, scan("a", catalog.JobFailed, 0, 45), false},
			{495, noChange, scan("a", catalog.JobFailed, 0, 45), true},
		},
		"canceled": {
			{50, noChange, scan("a", catalog.JobCanceled, 0, 45), false}, {644, noChange, scan("a", catalog.JobCanceled, 0, 45), false},
			{645, noChange, scan("a", catalog.JobCanceled, 0, 45), true},
		},
		"paused": {{50, []int{40}, scan("a", catalog.JobPaused, 0, 0), false}, {100_000, noChange, scan("a", catalog.JobPaused, 0, 0), false}},
		"withheld": {
			{50, noChange, withheld("a", 0, 1), false}, {10_000, noChange, withheld("a", 0, 1), false},
			{86_400, noChange, withheld("a", 0, 1), false}, {86_401, noChange, withheld("a", 0, 1), true},
		},
		"withheld, and changed": {
			{50, noChange, withheld("a", 0, 1), false}, {110, []int{100}, withheld("a", 0, 1), false}, {301, noChange, withheld("a", 0, 1), true},
		},
		"a scan that ended in the future": {
			{50, noChange, done("a", 0, 100_000), false}, {649, noChange, done("a", 0, 100_000), false}, {650, noChange, done("a", 0, 100_000), true},
		},
	} {
		t.Run(label, func(t *testing.T) {
			var p pace
			for _, step := range steps {
				for _, second := range step.changes {
					p.change(at(second))
				}
				p.see(step.last, at(step.second), func() float64 { return 0 })
				source := catalog.KeptSource{Every: 10 * time.Minute, Last: step.last}
				if due := p.due(source, at(step.second)); due != step.due {
					t.Errorf("at %d s: due %t", step.second, due)
				}
			}
		})
	}
}

// TestJitter: many servers, and many sources, are not all due at once.
func TestJitter(t *testing.T) {
	var p pace
	last := scan("a", catalog.JobSucceeded, 0, 0)
	p.see(last, at(0), func() float64 { return 0.1 })
	source := catalog.KeptSource{Every: 10 * time.Minute, Last: last}
	if p.due(source, at(659)) || !p.due(source, at(660)) {
		t.Error("a tenth is not added")
	}
}
