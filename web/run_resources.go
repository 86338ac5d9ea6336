package web

import "time"

// RunStatus is the state of a run.
type RunStatus string

// The states of a run.
const (
	RunQueued     RunStatus = "queued"
	RunRunning    RunStatus = "running"
	RunStopped    RunStatus = "stopped"
	RunFailed     RunStatus = "failed"
	RunFinished   RunStatus = "finished"
	RunActivated  RunStatus = "activated"
	RunRolledBack RunStatus = "rolled_back"
)

// Run is one training.
type Run struct {
	ID          string         `json:"id"`
	Name        string         `json:"name" doc:"Also names the model that it writes"`
	Collection  string         `json:"collection,omitempty" doc:"The collection whose pairs it learns from; absent when config names other data"`
	Data        string         `json:"data,omitempty" doc:"What it learns from, for people"`
	Base        RunModel       `json:"base" doc:"The model that it began with"`
	Config      map[string]any `json:"config" doc:"All that was chosen, as in the file that polylens train reads"`
	Status      RunStatus      `json:"status" enum:"queued,running,stopped,failed,finished,activated,rolled_back" doc:"Stopped and failed runs can be resumed; activated means that searches use the model, rolled_back that they used it"`
	Interrupted bool           `json:"interrupted" doc:"Whether it is running but the process that trained it is gone: it can be resumed"`
	Step        int64          `json:"step" doc:"Optimizer steps done"`
	Steps       int64          `json:"steps" doc:"Optimizer steps to do; 0 when not known yet"`
	Error       string         `json:"error,omitempty" doc:"Why it failed"`
	Best        *RunBest       `json:"best,omitempty" doc:"The best evaluation; absent before the first"`
	Output      *RunModel      `json:"output,omitempty" doc:"The model that it wrote; absent before"`
	Gate        *Gate          `json:"gate,omitempty" doc:"What the model forgot; absent before it was judged"`
	Created     time.Time      `json:"created"`
	Started     *time.Time     `json:"started,omitempty"`
	Finished    *time.Time     `json:"finished,omitempty"`
	Heartbeat   *time.Time     `json:"heartbeat,omitempty" doc:"Last sign of life of the process that trains it"`
}

// RunModel is a model that a run began with or wrote.
type RunModel struct {
	Directory   string `json:"directory"`
	Fingerprint string `json:"fingerprint"`
}

// RunBest is the best evaluation of a run.
type RunBest struct {
	Metric string  `json:"metric" doc:"By which the run is judged" example:"validation/mean/text_to_image/r1"`
	Step   int64   `json:"step"`
	Value  float64 `json:"value"`
}

// Gate is the verdict of the forgetting gate: the model compared with the one
// that its run began with, on pairs of guarded languages.
type Gate struct {
	Passed    bool           `json:"passed" doc:"Whether no language lost more than it may"`
	Languages []GateLanguage `json:"languages" nullable:"false" doc:"Every guarded language"`
}

// GateLanguage is what one guarded language lost.
type GateLanguage struct {
	Language  string   `json:"language" doc:"BCP 47 tag"`
	N         int      `json:"n" doc:"Queries"`
	Before    float64  `json:"before" doc:"R@5 of text to image, 0 to 1, of the model that the run began with"`
	After     float64  `json:"after" doc:"The same of the model that it wrote"`
	Lost      float64  `json:"lost" doc:"Points (hundredths); negative when it gained"`
	Allowed   float64  `json:"allowed" doc:"Points that it may lose"`
	Forgotten bool     `json:"forgotten" doc:"Whether it lost more"`
	LeastLost *float64 `json:"least_lost,omitempty" doc:"Lower end of the confidence interval of lost, where single queries are known; it does not decide"`
}

// Series is what one value of a run was at growing steps.
type Series struct {
	Name   string     `json:"name" example:"loss"`
	Steps  []int64    `json:"steps" nullable:"false"`
	Values []*float64 `json:"values" nullable:"false" doc:"As many as steps; null where the value was not finite"`
}

// RunChange is news of a run: how it stands, and what became of its points.
type RunChange struct {
	Run Run `json:"run"`
	// Kept, unless nil, says that points of later steps are gone: the run went
	// back to a checkpoint of that step.
	Kept   *int64   `json:"kept,omitempty"`
	Series []Series `json:"series,omitempty"` // points gained then
}
