package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"polylens/internal/replace"
	"polylens/trainer/balance"
	"polylens/trainer/evaluate"
)

// trainOutcome is what train --json prints.
type trainOutcome struct {
	Name       string               `json:"name"`
	Run        string               `json:"run"`       // its ID
	Model      string               `json:"model"`     // its directory
	Steps      int64                `json:"steps"`     //
	BestStep   int64                `json:"best_step"` // whose weights the model has
	Before     []evaluate.Quality   `json:"before,omitempty"`
	After      []evaluate.Quality   `json:"after,omitempty"`
	Forgetting *evaluate.Forgetting `json:"forgetting,omitempty"`
	Reindex    bool                 `json:"reindex"`           // pictures have other vectors than before
	Balance    *balance.Result      `json:"balance,omitempty"` // what drawing pictures by weights changes
}

func (t training) outcome(id string, done trained) trainOutcome {
	outcome := trainOutcome{
		Name: t.name, Run: id, Model: done.Model, Steps: done.Steps, BestStep: done.Steps,
		Before: done.Before.Summary(), After: done.Validation.Summary(), Forgetting: done.Forgetting, Reindex: done.Pictures, Balance: done.Balance,
	}
	if done.Best != nil {
		outcome.BestStep = done.Best.Step
	}
	return outcome
}

// printQuality says what training did to the means on validation pictures, and
// warns where it did harm.
func (o trainOutcome) printQuality(p *program) {
	for _, after := range o.After {
		at := slices.IndexFunc(o.Before, func(q evaluate.Quality) bool {
			return q.Language == after.Language && q.Direction == after.Direction
		})
		if after.Language != evaluate.MeanLanguage || at < 0 {
			continue
		}
		before, note := o.Before[at], ""
		if after.R1 < before.R1 && after.MRR < before.MRR {
			note = ": worse than before training"
		}
		p.print("Validation, %s: R@1 %.3f before, %.3f after%s", after.Direction, before.R1, after.R1, note)
	}
}

// outcomeFile keeps the outcome in the folder of a run, for a process that
// follows the one that trains.
func (p *program) outcomeFile(name string) string {
	return filepath.Join(p.runFolder(name), "outcome.json")
}

func (p *program) keepOutcome(outcome trainOutcome) error {
	content, err := json.Marshal(outcome)
	if err != nil {
		return err
	}
	return replace.Durable(p.outcomeFile(outcome.Name), content, replace.Private)
}

func (p *program) readOutcome(name string) (trainOutcome, error) {
	var outcome trainOutcome
	content, err := os.ReadFile(p.outcomeFile(name))
	if err == nil {
		err = json.Unmarshal(content, &outcome)
	}
	if err != nil {
		return outcome, fmt.Errorf("the run %q has finished, but what came of it cannot be read: %w", name, err)
	}
	return outcome, nil
}
