package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/web"
)

// webRuns shows the catalogue's runs to web.
type webRuns struct {
	store   *database.Store
	program *program
}

// Runs implements web.Runs. A cursor is the ID of the last run of a page.
func (r webRuns) Runs(ctx context.Context, collection, cursor string, limit int) ([]web.Run, string, error) {
	found, err := r.store.Runs(ctx, collection, cursor, limit+1)
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(found) > limit {
		found = found[:limit]
		next = found[limit-1].ID
	}
	runs := make([]web.Run, len(found))
	for i, run := range found {
		runs[i] = newWebRun(run)
	}
	return runs, next, nil
}

// Run implements web.Runs.
func (r webRuns) Run(ctx context.Context, id string) (web.Run, error) {
	run, err := r.store.Run(ctx, id)
	return newWebRun(run), translatedRun(id, err)
}

// Series implements web.Runs.
func (r webRuns) Series(ctx context.Context, id string, choice web.PointChoice) ([]web.Series, error) {
	if _, err := r.Run(ctx, id); err != nil {
		return nil, err
	}
	found, err := r.store.RunSeries(ctx, id, catalog.RunPoints{Names: choice.Names, From: choice.From, Most: choice.Most})
	if err != nil {
		return nil, translatedRun(id, err)
	}
	all := make([]web.Series, len(found))
	for i, series := range found {
		all[i] = web.Series{Name: series.Name, Steps: series.Steps, Values: finite(series.Values)}
	}
	return all, nil
}

// DeleteRun implements web.Runs.
func (r webRuns) DeleteRun(ctx context.Context, id string) error {
	return translatedRun(id, r.program.deleteRun(ctx, r.store, id))
}

// Watch implements web.Runs.
func (r webRuns) Watch(changed func(web.RunChange)) (stop func()) {
	return r.store.WatchRuns(func(news catalog.RunNews) { changed(newRunChange(news)) })
}

func newRunChange(news catalog.RunNews) web.RunChange {
	change := web.RunChange{Run: newWebRun(news.Run)}
	if news.Kept != catalog.KeptAll {
		change.Kept = &news.Kept
	}
	at := make(map[string]int)
	for _, p := range news.Points {
		i, known := at[p.Name]
		if !known {
			i = len(change.Series)
			at[p.Name] = i
			change.Series = append(change.Series, web.Series{Name: p.Name})
		}
		change.Series[i].Steps = append(change.Series[i].Steps, p.Step)
		change.Series[i].Values = append(change.Series[i].Values, finite([]float64{p.Value})...)
	}
	return change
}

// finite is values with nil for what JSON has no word for.
func finite(values []float64) []*float64 {
	pointers := make([]*float64, len(values))
	for i, value := range values {
		if !math.IsNaN(value) && !math.IsInf(value, 0) {
			pointers[i] = &value
		}
	}
	return pointers
}

func newWebRun(run catalog.Run) web.Run {
	converted := web.Run{
		ID: run.ID, Name: run.Name, Collection: run.Collection, Data: run.Data, Base: web.RunModel(run.Base),
		Status: web.RunStatus(run.State), Interrupted: run.Interrupted(time.Now()), Step: run.Step, Steps: run.Steps,
		Error: run.Error, Created: run.Created,
		Started: moment(run.Started), Finished: moment(run.Finished), Heartbeat: moment(run.Heartbeat),
	}
	_ = json.Unmarshal(run.Config, &converted.Config) // written by the trainer itself
	if run.Best.Metric != "" {
		best := web.RunBest(run.Best)
		converted.Best = &best
	}
	if run.Output.Directory != "" {
		output := web.RunModel(run.Output)
		converted.Output = &output
	}
	if len(run.Gate) > 0 {
		converted.Gate = &web.Gate{}
		_ = json.Unmarshal(run.Gate, converted.Gate) // likewise
	}
	return converted
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func translatedRun(id string, err error) error {
	return translated(err, fmt.Errorf("%w: run %.80q", web.ErrNotFound, id))
}

var _ web.Runs = webRuns{}
