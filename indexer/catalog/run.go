package catalog

import (
	"encoding/json"
	"time"
)

// RunState is where a run stands.
type RunState string

const (
	RunQueued     RunState = "queued"
	RunRunning    RunState = "running"
	RunStopped    RunState = "stopped" // by somebody; it can go on
	RunFailed     RunState = "failed"  // it can go on
	RunFinished   RunState = "finished"
	RunActivated  RunState = "activated"   // searches use its model
	RunRolledBack RunState = "rolled_back" // searches used its model
)

// Ended reports whether training is over for now.
func (s RunState) Ended() bool { return s == RunStopped || s == RunFailed || s == RunFinished }

// Run is one training.
type Run struct {
	ID         string          `json:"id"` // UUIDv7: sorts by creation
	Name       string          `json:"name"`
	Collection string          `json:"collection,omitempty"` // whose pairs it learns from
	Data       string          `json:"data,omitempty"`       // what it learns from, for people
	Base       RunModel        `json:"base"`                 // what it began with
	Config     json.RawMessage `json:"config"`
	State      RunState        `json:"state"`
	Step       int64           `json:"step"`  // optimizer steps done
	Steps      int64           `json:"steps"` // optimizer steps to do; 0 when not known yet
	Error      string          `json:"error,omitempty"`
	Best       RunBest         `json:"best,omitzero"`
	Output     RunModel        `json:"output,omitzero"` // what it wrote
	Gate       json.RawMessage `json:"gate,omitempty"`  // verdict of the forgetting gate
	Created    time.Time       `json:"created"`
	Started    time.Time       `json:"started,omitzero"`
	Finished   time.Time       `json:"finished,omitzero"`
	Heartbeat  time.Time       `json:"heartbeat,omitzero"` // last sign of life of the process that trains it
}

// RunModel is a model that a run began with or wrote.
type RunModel struct {
	Directory   string `json:"directory"`
	Fingerprint string `json:"fingerprint"`
}

// RunBest is the best evaluation of a run by the metric that it is judged by.
type RunBest struct {
	Metric string  `json:"metric"`
	Step   int64   `json:"step"`
	Value  float64 `json:"value"`
}

// RunPatience is how long a run may give no sign of life before it counts as
// interrupted. A RunRecorder gives several in that time.
const RunPatience = time.Minute

// Interrupted reports whether, at the time now, the process that trained the run is
// gone. Such a run can be resumed.
func (r Run) Interrupted(now time.Time) bool {
	return r.State == RunRunning && now.Sub(r.Heartbeat) > RunPatience
}

// RenameCollection follows a collection that gets another name, including where
// Config names it, as data.collection.
func (r *Run) RenameCollection(to string) {
	var config, data map[string]json.RawMessage
	var named string
	_ = json.Unmarshal(r.Config, &config) // what cannot be read names no collection
	_ = json.Unmarshal(config["data"], &data)
	_ = json.Unmarshal(data["collection"], &named)
	if named == r.Collection && named != "" {
		data["collection"], _ = json.Marshal(to) // what was read can be written
		config["data"], _ = json.Marshal(data)
		r.Config, _ = json.Marshal(config)
	}
	r.Collection = to
}

// RunOrder says what a run is to do.
type RunOrder struct {
	Name       string
	Collection string         // whose pairs to learn from; empty when Config names data
	Config     map[string]any // as in the file that `polylens train` reads
}
