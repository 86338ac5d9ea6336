package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
)

// Progress is how far a run has come: all that a resumed run needs besides the
// tensors. Whatever is random in a run derives from Seed and Step.
type Progress struct {
	Step           int64         `json:"step"`             // optimizer steps done
	Schedule       int64         `json:"schedule"`         // position in the schedule of the learning rate
	Sampler        Sampler       `json:"sampler"`          // the next batch
	Seed           uint64        `json:"seed"`             // of the run
	LossScale      float64       `json:"loss_scale"`       // 1 where none is used
	LossScaleSteps int64         `json:"loss_scale_steps"` // without overflow since the scale last changed
	Run            Identity      `json:"run"`
	Best           *Best         `json:"best,omitempty"` // nil before the first evaluation
	EarlyStopping  EarlyStopping `json:"early_stopping"`
}

// Sampler is a position in the data.
type Sampler struct {
	Epoch int64 `json:"epoch"`
	Pairs int64 `json:"pairs"` // of this epoch, used already
}

// Identity distinguishes runs that cannot be continued with each other's state.
type Identity struct {
	Config string `json:"config"` // fingerprint of the configuration
	Data   string `json:"data"`   // fingerprint of the pairs and their split
}

// Best is the best value of the metric that the run is judged by. The
// checkpoint of its step is kept for as long as nothing better is found.
type Best struct {
	Step  int64   `json:"step"`
	Value float64 `json:"value"`
}

// EarlyStopping counts towards the end of a run that no longer improves.
type EarlyStopping struct {
	Evaluations int64 `json:"evaluations"` // so far
	Stale       int64 `json:"stale"`       // of them, since the last improvement
}

// maxProgress is far more than a progress file takes.
const maxProgress = 1 << 20

// check refuses values that no run can reach.
func (p Progress) check() error {
	switch {
	case p.Step < 0 || p.Schedule < 0 || p.Sampler.Epoch < 0 || p.Sampler.Pairs < 0:
		return fmt.Errorf("progress at step %d has a negative position", p.Step)
	case !(p.LossScale > 0) || math.IsInf(p.LossScale, 0):
		return fmt.Errorf("progress at step %d has the impossible loss scale %v", p.Step, p.LossScale)
	case p.Best != nil && (math.IsNaN(p.Best.Value) || math.IsInf(p.Best.Value, 0)):
		return fmt.Errorf("progress at step %d has the best metric %v, which is no number", p.Step, p.Best.Value)
	case p.Best != nil && (p.Best.Step < 0 || p.Best.Step > p.Step):
		return fmt.Errorf("progress at step %d has its best metric at step %d", p.Step, p.Best.Step)
	default:
		return nil
	}
}

func parseProgress(content []byte) (Progress, error) {
	var progress Progress
	if err := decodeStrictly(content, &progress); err != nil {
		return Progress{}, fmt.Errorf("is no progress of a run: %w", err)
	}
	return progress, progress.check()
}

// decodeStrictly reads one JSON value that has no fields but the known ones.
func decodeStrictly(content []byte, target any) error {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(target); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one JSON value")
	}
	return nil
}

// encode is the JSON of a value, for people to read too. Nothing follows the
// last brace, so that the loss of a single byte shows.
func encode(value any) ([]byte, error) {
	return json.MarshalIndent(value, "", "  ")
}
