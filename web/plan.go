package web

import (
	"encoding/json"
	"net/http"
	"strconv"

	"polylens/indexer"
	"polylens/indexer/catalog"
)

// Plan is what a push or an index job would do.
type Plan struct {
	Total     int     `json:"total" doc:"Lines or pictures that were looked at"`
	New       int     `json:"new" doc:"Images that would be added"`
	Changed   int     `json:"changed" doc:"Images of which the picture, or what is said about it, would change"`
	Unchanged int     `json:"unchanged" doc:"Images that would stay as they are"`
	Removed   int     `json:"removed" doc:"Images that would go"`
	Failed    int     `json:"failed" doc:"Lines or pictures that cannot be used; “failures” of the job names the first. Pictures that cannot be decoded are mostly found only when they are"`
	Unread    int     `json:"unread" doc:"Images that are there, and whose pictures, by URL or key, are not read for a plan: they may change"`
	Known     int     `json:"known" doc:"Pictures of new and changed images that need not be encoded, since their vectors are known"`
	Encode    int     `json:"encode" doc:"Pictures that would be encoded"`
	Rate      float64 `json:"rate" doc:"Pictures that are encoded a second, as measured for this plan; 0 when nothing is to be encoded"`
	Seconds   float64 `json:"seconds" doc:"How long encoding them takes"`
}

// newPlan says what a job would do, and counts what it has looked at.
func newPlan(job catalog.Job) (*Plan, Progress, Counts) {
	var p indexer.Plan
	_ = json.Unmarshal(job.Progress, &p) // written by Polylens itself
	c := p.PlanCounts
	plan := &Plan{
		Total: c.Total, New: c.New, Changed: c.Changed, Unchanged: c.Unchanged, Removed: c.Removed, Failed: c.Failed,
		Unread: c.Unread, Known: c.Known, Encode: c.Encode, Rate: p.Rate, Seconds: p.Seconds,
	}
	return plan, Progress{Total: c.Total, Done: c.Total, Failed: c.Failed, SecondsLeft: -1, Files: newFiles(indexer.Files{})},
		Counts{Total: c.Total, Done: c.Total, Succeeded: c.Total - c.Failed, Failed: c.Failed, Unchanged: c.Unchanged}
}

// pushOptions are what the query of a push chooses.
func pushOptions(r *http.Request) (options indexer.PushOptions, err error) {
	if text := r.URL.Query().Get("dry_run"); text != "" {
		if options.DryRun, err = strconv.ParseBool(text); err != nil {
			return options, newProblem(kindInvalid, "dry_run is true or false")
		}
	}
	switch layout := indexer.Layout(r.URL.Query().Get("layout")); layout {
	case indexer.PlainLayout, indexer.ImageFolder:
		options.Layout = layout
	default:
		return options, newProblem(kindInvalid, "layout is imagefolder, or left out")
	}
	return options, nil
}
