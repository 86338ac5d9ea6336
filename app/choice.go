package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"polylens/encoder/hub"
)

// choiceFile says in a data folder which model it uses.
const choiceFile = "model.json"

// modelChoice is the model that a data folder uses unless the command line
// names another, those that it used before, and the one that is to follow.
type modelChoice struct {
	usedModel
	Before []usedModel `json:"before,omitempty"` // the latest last
	Next   *nextModel  `json:"next,omitempty"`
}

// usedModel is a model with the run that wrote it.
type usedModel struct {
	Model string `json:"model"`         // a name, or a directory
	Run   string `json:"run,omitempty"` // ID of the run
}

// nextModel is a model that collections are being encoded for.
type nextModel struct {
	usedModel
	Force bool     `json:"force,omitempty"` // whatever searches find with it
	Tasks []string `json:"tasks"`           // IDs of the tasks that encode
}

// readChoice reads the choice of a data folder; without one it is the bundled
// model.
func readChoice(data string) (modelChoice, error) {
	choice := modelChoice{usedModel: usedModel{Model: hub.BundledName}}
	path := filepath.Join(data, choiceFile)
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return choice, nil
	}
	if err == nil {
		err = json.Unmarshal(content, &choice)
	}
	if err == nil && choice.Model == "" {
		err = errors.New("it names no model")
	}
	if err != nil {
		return choice, fmt.Errorf("which model the data folder uses: %s: %w (name one with --model, or remove the file)", path, err)
	}
	return choice, nil
}

// lasting names a model in a way that also holds for a process that stands in
// another folder.
func (m usedModel) lasting() (usedModel, error) {
	if !hub.IsPath(m.Model) {
		return m, nil
	}
	dir, err := filepath.Abs(m.Model)
	m.Model = dir
	return m, err
}

// backFrom is the choice before another, past models that were removed since;
// false if none is left.
func (p *program) backFrom(choice modelChoice) (modelChoice, bool) {
	for back, ok := choice.back(); ok; back, ok = back.back() {
		if _, err := p.findModel(back.Model); err == nil {
			return back, true
		}
	}
	return choice, false
}

// write replaces the choice of a data folder, whole or not at all.
func (c modelChoice) write(data string) error {
	content, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(data, choiceFile)
	if err := writeSynced(path+".new", content); err != nil {
		return fmt.Errorf("which model the data folder uses: %w", err)
	}
	return os.Rename(path+".new", path)
}

func writeSynced(path string, content []byte) (err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.Write(content); err != nil {
		return err
	}
	return file.Sync()
}

// to is the choice after another model has taken over.
func (c modelChoice) to(model usedModel) modelChoice {
	return modelChoice{usedModel: model, Before: append(slices.Clone(c.Before), c.usedModel)}
}

// back is the choice after the model before has taken over again; false if
// there was none.
func (c modelChoice) back() (modelChoice, bool) {
	last := len(c.Before) - 1
	if last < 0 {
		return c, false
	}
	return modelChoice{usedModel: c.Before[last], Before: c.Before[:last]}, true
}
