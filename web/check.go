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

// Finding is something else that was not as it should be.
type Finding struct {
	Kind     string   `json:"kind" doc:"What it is, such as original-missing; new kinds may come"`
	Count    int      `json:"count"`
	Repaired int      `json:"repaired" doc:"How many of them were repaired"`
	Harmless bool     `json:"harmless" doc:"Nothing is lost and everything works: it takes up room, or the next indexing sees to it"`
	Words    string   `json:"words" doc:"The same for people"`
	Remedy   string   `json:"remedy,omitempty" doc:"What to do about those that a repair leaves"`
	Examples []string `json:"examples" nullable:"false" doc:"Some of them"`
}

// CheckKind is what to do about what is found.
type CheckKind struct {
	Kind string `json:"kind,omitempty" enum:"check,repair,rebuild" default:"check" doc:"Only report, repair too, or of a collection also send every row again; nothing is encoded but pictures whose vectors are damaged"`
	CheckPart
}

// CheckPart is which part of everything is read.
type CheckPart struct {
	ReadPart int `json:"read_part,omitempty" minimum:"1" maximum:"1000000" doc:"Also read the files of pictures, and the rows of the index, of this part of all pictures"`
	ReadOf   int `json:"read_of,omitempty" minimum:"1" maximum:"1000000" doc:"How many parts there are; 1 for everything"`
}

type createCheckInput struct {
	CollectionPath
	IdempotencyHeader
	Body *CheckKind
}

type createRestCheckInput struct {
	IdempotencyHeader
	Body *struct {
		Kind string `json:"kind,omitempty" enum:"check,repair" default:"check" doc:"Only report, or repair too"`
	}
}

func (s *server) createCheck(ctx context.Context, input *createCheckInput) (*acceptedJob, error) {
	order := indexer.CheckOrder{Collection: input.Name, Kind: indexer.JobCheck}
	if input.Body != nil {
		order.Kind = cmp.Or(input.Body.Kind, order.Kind)
		order.Read = indexer.Sample{Part: input.Body.ReadPart, Of: input.Body.ReadOf}
	}
	return s.queueCheck(ctx, order)
}

func (s *server) createRestCheck(ctx context.Context, input *createRestCheckInput) (*acceptedJob, error) {
	order := indexer.CheckOrder{Kind: indexer.JobCheck}
	if input.Body != nil {
		order.Kind = cmp.Or(input.Body.Kind, order.Kind)
	}
	return s.queueCheck(ctx, order)
}

func (s *server) queueCheck(ctx context.Context, order indexer.CheckOrder) (*acceptedJob, error) {
	job, err := s.Jobs.Check(ctx, order)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	return &acceptedJob{Location: apiPrefix + "/jobs/" + job.ID, Body: newJob(job)}, nil
}

// newFindings is the other outcome of such a job.
func newFindings(job catalog.Job) []Finding {
	if newCheck(job) == nil {
		return nil
	}
	var result indexer.CheckResult
	_ = json.Unmarshal(job.Progress, &result) // written by Polylens itself
	found := make([]Finding, len(result.Findings))
	for i, f := range result.Findings {
		found[i] = Finding{string(f.Kind), f.Count, f.Repaired, f.IsHarmless(), f.Words(), f.Remedy(), f.Examples}
	}
	return found
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
