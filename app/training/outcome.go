package training

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"polylens/internal/ordinary"
	"polylens/internal/replace"
	"polylens/trainer/balance"
	"polylens/trainer/evaluate"
)

// Outcome is what came of a run; train --json prints it.
type Outcome struct {
	Name       string               `json:"name"`
	Run        string               `json:"run"`       // its ID
	Model      string               `json:"model"`     // its directory
	Steps      int64                `json:"steps"`     //
	BestStep   int64                `json:"best_step"` // whose weights the model has
	Before     []evaluate.Quality   `json:"before,omitempty"`
	After      []evaluate.Quality   `json:"after,omitempty"`
	Forgetting *evaluate.Forgetting `json:"forgetting,omitempty"`
	Reindex    bool                 `json:"reindex"`           // pictures have other vectors than before
	Balance    *balance.Result      `json:"balance,omitempty"` // what drawing pictures by weight changes
}

func (t *Training) outcome(id string, done trained) Outcome {
	outcome := Outcome{
		Name: t.Name, Run: id, Model: done.Model, Steps: done.Steps, BestStep: done.Steps,
		Before: done.Before.Summary(), After: done.Validation.Summary(), Forgetting: done.Forgetting, Reindex: done.Pictures, Balance: done.Balance,
	}
	if done.Best != nil {
		outcome.BestStep = done.Best.Step
	}
	return outcome
}

// Passed reports whether the model kept what it must not forget.
func (o Outcome) Passed() bool { return o.Forgetting == nil || o.Forgetting.Passed }

// outcomeFile keeps the outcome in the folder of a run, for a process that
// follows the one that trains.
func outcomeFile(data, name string) string {
	return filepath.Join(runFolder(data, name), "outcome.json")
}

func (o Outcome) keep(data string) error {
	content, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return replace.Durable(outcomeFile(data, o.Name), content, replace.Private)
}

// ReadOutcome reads what came of a finished run of a data folder.
func ReadOutcome(data, name string) (Outcome, error) {
	var outcome Outcome
	content, err := ordinary.Read(outcomeFile(data, name), 64<<20)
	if err == nil {
		err = json.Unmarshal(content, &outcome)
	}
	if err != nil {
		return outcome, fmt.Errorf("the run %q has finished, but what came of it cannot be read: %w", name, err)
	}
	return outcome, nil
}
