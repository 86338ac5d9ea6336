package web

import (
	"encoding/json"
	"math"
	"time"

	"polylens/indexer/catalog"
)

// Run is one training.
type Run struct {
	ID          string           `json:"id"`
	Name        string           `json:"name" doc:"Also names the model that it writes"`
	Collection  string           `json:"collection,omitempty" doc:"The collection whose pairs it learns from; absent when config names other data"`
	Data        string           `json:"data,omitempty" doc:"What it learns from, for people"`
	Base        RunModel         `json:"base" doc:"The model that it began with"`
	Config      map[string]any   `json:"config" doc:"All that was chosen, as in the file that polylens train reads"`
	State       catalog.RunState `json:"state" enum:"queued,running,stopped,failed,finished,activated,rolled_back" doc:"Stopped and failed runs can be resumed; activated means that searches use the model, rolled_back that they used it"`
	Interrupted bool             `json:"interrupted" doc:"Whether it is running but the process that trained it is gone: it can be resumed"`
	Step        int64            `json:"step" doc:"Optimizer steps done"`
	Steps       int64            `json:"steps" doc:"Optimizer steps to do; 0 when not known yet"`
	Error       string           `json:"error,omitempty" doc:"Why it failed"`
	Best        *RunBest         `json:"best,omitempty" doc:"The best evaluation; absent before the first"`
	Output      *RunModel        `json:"output,omitempty" doc:"The model that it wrote; absent before"`
	Gate        *Gate            `json:"gate,omitempty" doc:"What the model forgot; absent before it was judged"`
	Created     time.Time        `json:"created"`
	Started     *time.Time       `json:"started,omitempty"`
	Finished    *time.Time       `json:"finished,omitempty"`
	Heartbeat   *time.Time       `json:"heartbeat,omitempty" doc:"Last sign of life of the process that trains it"`
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

// Gate is the verdict of the forgetting gate: the model compared with the model
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

// Series is one value of a run at growing steps.
type Series struct {
	Name   string     `json:"name" example:"loss"`
	Steps  []int64    `json:"steps" nullable:"false"`
	Values []*float64 `json:"values" nullable:"false" doc:"As many as steps; null where the value was not finite"`
}

// RunChange is news of a run: its present state, and what became of its points.
type RunChange struct {
	Run Run `json:"run"`
	// Kept, unless nil, says that points of later steps are gone: the run went
	// back to a checkpoint of that step.
	Kept   *int64   `json:"kept,omitempty"`
	Series []Series `json:"series,omitempty"` // points gained after that
}

func newRuns(runs []catalog.Run) []Run {
	all := make([]Run, len(runs))
	for i, run := range runs {
		all[i] = newRun(run)
	}
	return all
}

func newRun(run catalog.Run) Run {
	converted := Run{
		ID: run.ID, Name: run.Name, Collection: run.Collection, Data: run.Data, Base: RunModel(run.Base),
		Config: map[string]any{}, State: run.State, Interrupted: run.Interrupted(time.Now()), Step: run.Step, Steps: run.Steps,
		Error: run.Error, Gate: newGate(run.Verdict()), Created: run.Created,
		Started: moment(run.Started), Finished: moment(run.Finished), Heartbeat: moment(run.Heartbeat),
	}
	_ = json.Unmarshal(run.Config, &converted.Config) // written by the trainer itself
	if run.Best.Metric != "" {
		best := RunBest(run.Best)
		converted.Best = &best
	}
	if run.Output.Directory != "" {
		output := RunModel(run.Output)
		converted.Output = &output
	}
	return converted
}

func newGate(verdict *catalog.Verdict) *Gate {
	if verdict == nil {
		return nil
	}
	gate := &Gate{Passed: verdict.Passed, Languages: make([]GateLanguage, len(verdict.Languages))}
	for i, language := range verdict.Languages {
		gate.Languages[i] = GateLanguage(language)
	}
	return gate
}

func newRunChange(news catalog.RunNews) RunChange {
	change := RunChange{Run: newRun(news.Run)}
	if news.Kept != catalog.KeptAll {
		change.Kept = &news.Kept
	}
	at := make(map[string]int)
	for _, p := range news.Points {
		i, known := at[p.Name]
		if !known {
			i = len(change.Series)
			at[p.Name] = i
			change.Series = append(change.Series, Series{Name: p.Name})
		}
		change.Series[i].Steps = append(change.Series[i].Steps, p.Step)
		change.Series[i].Values = append(change.Series[i].Values, finite([]float64{p.Value})...)
	}
	return change
}

// finite returns values with nil for those that JSON cannot express.
func finite(values []float64) []*float64 {
	pointers := make([]*float64, len(values))
	for i, value := range values {
		if !math.IsNaN(value) && !math.IsInf(value, 0) {
			pointers[i] = &value
		}
	}
	return pointers
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
