package jobs

import (
	"errors"
	"testing"
	"time"

	"polylens/indexer/catalog"
)

// TestPassingKeepsItsPlace: what a job needs is away, so it goes back into the queue, counts
// no failure, and need not let those that came later go first.
func TestPassingKeepsItsPlace(t *testing.T) {
	away := errors.New("away")
	kind := Kind{Passing: func(err error) bool { return errors.Is(err, away) }, Attempts: 1}
	now := time.Now()
	job := catalog.Job{State: catalog.JobRunning}
	if err := kind.conclude(&job, now, away, nil); err != nil || job.State != catalog.JobQueued || job.Failures != 0 || job.RunAfter.After(now) {
		t.Errorf("%+v, %v", job, err)
	}
	job = catalog.Job{State: catalog.JobRunning}
	if err := kind.conclude(&job, now, errors.New("else"), nil); err != nil || job.State != catalog.JobFailed {
		t.Errorf("another error: %+v, %v", job, err)
	}
}
