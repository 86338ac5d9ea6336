package web

import (
	"context"
	"net/http"
	"slices"
)

// watchedRuns is how many runs a live connection begins with.
const watchedRuns = 100

// watchRuns reports over a WebSocket how the runs go.
func (s *server) watchRuns(w http.ResponseWriter, r *http.Request) {
	present := func(ctx context.Context) (any, error) {
		runs, err := s.seenRuns(ctx, "", "", watchedRuns)
		return map[string][]Run{"runs": newRuns(runs)}, err
	}
	who := callerOf(r.Context()).rights
	live(s, w, r, s.runs, present, func(change RunChange) any {
		if !who.allows(change.Run.Collection) {
			return nil
		}
		return change
	})
}

func newRunHub() *hub[RunChange] {
	return newHub(func(c RunChange) string { return c.Run.ID }, joinChanges)
}

// joinChanges joins two changes of a run into one. It leaves their parts as they
// are: other watchers hold them, too.
func joinChanges(older, newer RunChange) RunChange {
	joined := RunChange{Run: newer.Run, Kept: older.Kept, Series: slices.Clone(older.Series)}
	if newer.Kept != nil {
		for i, series := range joined.Series {
			joined.Series[i] = series.until(*newer.Kept)
		}
		if older.Kept == nil || *newer.Kept < *older.Kept {
			joined.Kept = newer.Kept
		}
	}
	for _, series := range newer.Series {
		i := slices.IndexFunc(joined.Series, func(s Series) bool { return s.Name == series.Name })
		if i < 0 {
			joined.Series = append(joined.Series, series)
			continue
		}
		joined.Series[i].Steps = slices.Concat(joined.Series[i].Steps, series.Steps)
		joined.Series[i].Values = slices.Concat(joined.Series[i].Values, series.Values)
	}
	return joined
}

// until is the part of a series up to a step.
func (s Series) until(last int64) Series {
	n := 0
	for n < len(s.Steps) && s.Steps[n] <= last {
		n++
	}
	return Series{Name: s.Name, Steps: s.Steps[:n:n], Values: s.Values[:n:n]}
}
