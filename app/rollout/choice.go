package rollout

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"polylens/encoder"
	"polylens/internal/ordinary"
	"polylens/internal/replace"
)

// ChoiceFile is the file in a data folder that says which model it uses.
const ChoiceFile = "model.json"

// Choice is the model that a data folder uses, the models that it used before, and
// the one that is to follow.
type Choice struct {
	Used
	Before []Used `json:"before,omitempty"` // the latest last
	Next   *Next  `json:"next,omitempty"`
}

// Used is a model with the run that wrote it.
type Used struct {
	Model string `json:"model"`         // a name, or a directory
	Run   string `json:"run,omitempty"` // ID of the run
}

// Next is a model that collections are being encoded for.
type Next struct {
	Used
	Force bool   `json:"force,omitempty"` // use it whatever searches find with it
	Job   string `json:"job"`             // ID of the job that encodes
}

// ReadChoice reads the choice of a data folder. If there is none, the choice is the
// model first.
func ReadChoice(data, first string) (Choice, error) {
	choice := Choice{Used: Used{Model: first}}
	path := filepath.Join(data, ChoiceFile)
	content, err := ordinary.Read(path, 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return choice, nil
	}
	if err == nil {
		choice.Model = ""
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

// Write replaces the choice of a data folder, whole or not at all.
func (c Choice) Write(data string) error {
	content, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	if err := replace.Durable(filepath.Join(data, ChoiceFile), content, replace.Private); err != nil {
		return fmt.Errorf("which model the data folder uses: %w", err)
	}
	return nil
}

// State is the state of a data folder with this choice.
func (c Choice) State() State {
	if c.Next != nil {
		return Preparing
	}
	return Steady
}

// To is the choice after another model has taken over.
func (c Choice) To(model Used) Choice {
	return Choice{Used: model, Before: append(slices.Clone(c.Before), c.Used)}
}

// Back is the choice after the model before has taken over again. Models that are
// gone are passed over; false if none is left.
func (c Choice) Back(there func(model string) bool) (Choice, bool) {
	for last := len(c.Before) - 1; last >= 0; last-- {
		if there(c.Before[last].Model) {
			return Choice{Used: c.Before[last], Before: c.Before[:last]}, true
		}
	}
	return c, false
}

// CheckUnused refuses a model that the data folder uses or is to use next, be it
// directly or as the base of an adapter. find returns the directory of a model, given
// its name or its path.
func (c Choice) CheckUnused(dir string, find func(name string) (string, error)) error {
	used := []string{c.Model}
	if c.Next != nil {
		used = append(used, c.Next.Model)
	}
	for _, name := range used {
		found, err := find(name)
		if err != nil {
			continue // it is gone already
		}
		if found == dir {
			return fmt.Errorf("the data folder uses the model %s: let it use another one first, with `polylens model use` or `polylens model rollback`", name)
		}
		if base, err := encoder.Base(found, find); err == nil && base == dir {
			return fmt.Errorf("the data folder uses the adapter %s, which changes this model: let it use another one first, with `polylens model use` or `polylens model rollback`", name)
		}
	}
	return nil
}

// Replace makes a data folder, which this process holds, use a model in place of one
// that is gone and can no longer be compared with or searched with. It returns the
// model under its lasting name, see Used.Lasting.
func Replace(data string, by Used) (Used, error) {
	by, err := by.Lasting()
	if err != nil {
		return by, err
	}
	return by, Choice{Used: by}.Write(data)
}
