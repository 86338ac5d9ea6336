package watch

import (
	"context"
	"fmt"
	"strings"

	"polylens/indexer/catalog"
)

// State is how a source is.
type State string

// States of a source.
const (
	InStep   State = "in step"  // since its last scan nothing is known to have changed
	Changed  State = "changed"  // something has, and is scanned soon
	Scanning State = "scanning" // or waiting for a worker
	Paused   State = "paused"   // its scan is, by somebody
	Withheld State = "withheld" // nothing was removed since too much is gone
	Failed   State = "failed"   // its last scan
	Waiting  State = "waiting"  // for its folder
)

// States lists all states.
func States() []State { return []State{InStep, Changed, Scanning, Paused, Withheld, Failed, Waiting} }

// Condition tells people how a source is.
type Condition struct {
	State  State
	Detail string // what to do, or what is awaited; empty: nothing
	Events string // why events are not followed; empty: they are
}

// Condition returns how a source is.
func (w *Watcher) Condition(ctx context.Context, source catalog.KeptSource) Condition {
	w.mu.Lock()
	one, running := w.watched[source.ID], w.running
	known := watched{problem: "", why: "they will be in a moment"}
	if one != nil {
		known = watched{problem: one.problem, why: one.why, pace: pace{first: one.first}}
		if one.follower != nil {
			known.why = one.follower.trouble()
		}
	}
	w.mu.Unlock()
	if one == nil {
		_, known.problem = folderOf(ctx, source.Directory)
	}
	if !running {
		known.why = "no server runs here: nothing is kept in step before “polylens serve” does"
	}
	if !source.Events {
		known.why = "they are not wanted"
	}
	condition := known.condition(source)
	condition.Events = known.why
	return condition
}

func (o watched) condition(source catalog.KeptSource) Condition {
	switch last := source.Last; {
	case last.State == catalog.JobQueued, last.State == catalog.JobRunning:
		return Condition{State: Scanning, Detail: last.Problem}
	case o.problem != "":
		return Condition{State: Waiting, Detail: fmt.Sprintf("for %s, which %s", source.Directory, o.problem)}
	case last.ID == "":
		return Condition{State: Changed, Detail: "it has not been scanned yet"}
	case last.State == catalog.JobPaused:
		return Condition{State: Paused, Detail: fmt.Sprintf("resume job %s", last.ID)}
	case isWithheld(last):
		return Condition{State: Withheld, Detail: last.Error + "; or with “polylens source scan --confirm-removal”. It is scanned again when the folder changes"}
	case last.State == catalog.JobFailed:
		return Condition{State: Failed, Detail: strings.TrimSpace(last.Error)}
	case !o.first.IsZero():
		return Condition{State: Changed, Detail: "it is scanned soon"}
	case last.State == catalog.JobCanceled:
		return Condition{State: Changed, Detail: "its last scan was canceled"}
	}
	return Condition{State: InStep}
}
