package web

import (
	"cmp"
	"context"
	"encoding/json"

	"polylens/indexer"
	"polylens/indexer/catalog"
)

// Check is how the index of a collection differed from the catalogue, and what
// was done about it.
type Check struct {
	Images   int `json:"images" doc:"Images that the index has to hold"`
	Missing  int `json:"missing" doc:"Images that the index lacked"`
	Extra    int `json:"extra" doc:"Rows of the index behind which no image stood"`
	Outdated int `json:"outdated" doc:"Rows of the index that were not as the catalogue has them"`
	Repaired int `json:"repaired" doc:"Rows that were sent or removed; 0 of check jobs, which repair nothing"`
}

type createCheckInput struct {
	CollectionPath
	IdempotencyHeader
	Body *struct {
		Kind string `json:"kind,omitempty" enum:"check,repair,rebuild" default:"check" doc:"Only report differences, repair them too, or send every row again; nothing is encoded"`
	}
}

func (s *server) createCheck(ctx context.Context, input *createCheckInput) (*acceptedJob, error) {
	kind := indexer.JobCheck
	if input.Body != nil {
		kind = cmp.Or(input.Body.Kind, kind)
	}
	job, err := s.Jobs.Check(ctx, input.Name, kind)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return &acceptedJob{Location: apiPrefix + "/jobs/" + job.ID, Body: newJob(job)}, nil
}

// newCheck is the outcome of a job that checks, nil for other jobs and before it has
// succeeded.
func newCheck(job catalog.Job) *Check {
	switch job.Kind {
	case indexer.JobCheck, indexer.JobRepair, indexer.JobRebuild:
	default:
		return nil
	}
	if job.State != catalog.JobSucceeded {
		return nil
	}
	var report indexer.CheckReport
	_ = json.Unmarshal(job.Progress, &report) // written by Polylens itself
	check := Check(report)
	return &check
}
