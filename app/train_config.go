package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"

	"polylens/encoder/hub"
	"polylens/trainer"
)

// runConfig is all that decides what a run does: what the file of --config and
// the API say, and what the catalogue keeps. Its JSON is that of a
// trainer.Config with three more fields.
type runConfig struct {
	Preset string  `json:"preset,omitempty"` // where fields come from that are not there
	Model  string  `json:"model,omitempty"`  // to begin with; empty: the one in use
	Data   runData `json:"data"`
	trainer.Config
}

// runData says what a run learns from.
type runData struct {
	Pairs      []string `json:"pairs,omitempty"`      // files or folders
	Collection string   `json:"collection,omitempty"` //
	Fields     []string `json:"fields,omitempty"`     // templates of metadata, of the collection
	Languages  []string `json:"languages,omitempty"`  // of captions, of the collection; empty: all
	Guard      string   `json:"guard,omitempty"`      // what must not be forgotten: demo, none, a file or a folder
}

// parseRunConfig reads a configuration over a preset: the one given, else the one
// that it names, else the default.
func parseRunConfig(content []byte, preset string) (runConfig, error) {
	fields := map[string]json.RawMessage{}
	var config runConfig
	if len(content) > 0 {
		if err := json.Unmarshal(content, &fields); err != nil {
			return config, fmt.Errorf("the configuration of the run: %w", err)
		}
	}
	for name, into := range map[string]any{"preset": &config.Preset, "model": &config.Model, "data": &config.Data} {
		if err := takeField(fields, name, into); err != nil {
			return config, err
		}
	}
	config.Preset = cmp.Or(preset, config.Preset, trainer.DefaultPreset)
	rest, err := json.Marshal(fields)
	if err != nil {
		return config, err
	}
	config.Config, err = trainer.ParseConfig(rest, config.Preset)
	return config, err
}

// takeField moves a field out of a JSON object.
func takeField(fields map[string]json.RawMessage, name string, into any) error {
	content, ok := fields[name]
	delete(fields, name)
	if !ok {
		return nil
	}
	if err := decodeStrictly(content, into); err != nil {
		return fmt.Errorf("the configuration of the run: %q: %w", name, err)
	}
	return nil
}

// fields are a configuration as a JSON object.
func (c runConfig) fields() (map[string]any, error) {
	content, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	return fields, json.Unmarshal(content, &fields)
}

// equal tells whether two configurations do the same. What the catalogue keeps
// was written by whichever program began the run.
func (c runConfig) equal(kept json.RawMessage) bool {
	other, err := parseRunConfig(kept, "")
	if err != nil {
		return false
	}
	a, errA := json.Marshal(c)
	b, errB := json.Marshal(other)
	return errA == nil && errB == nil && string(a) == string(b)
}

// check reports what is wrong with the data, as far as that can be told without
// reading it.
func (d runData) check() error {
	switch {
	case len(d.Pairs) == 0 && d.Collection == "":
		return errors.New("nothing to train on: name pairs or a collection (--pairs, --collection)")
	case d.Collection == "" && len(d.Fields)+len(d.Languages) > 0:
		return errors.New("fields and languages belong to a collection (--field, --languages)")
	}
	for _, path := range d.files() {
		if !filepath.IsAbs(path) {
			return fmt.Errorf("%q is not an absolute path", path)
		}
		if file, err := os.Open(path); err != nil {
			return err
		} else if err := file.Close(); err != nil {
			return err
		}
	}
	return nil
}

// files are the paths that must be readable.
func (d runData) files() []string {
	if d.Guard == demoPairs || d.Guard == noGuard {
		return d.Pairs
	}
	return append([]string{d.Guard}, d.Pairs...)
}

// noGuard is the word for a model that may forget everything.
const noGuard = "none"

// String says for people what a run learns from.
func (d runData) String() string {
	var text string
	for _, path := range d.Pairs {
		text += ", " + path
	}
	if d.Collection != "" {
		text += ", captions of collection " + d.Collection
	}
	return text[min(2, len(text)):]
}

var runName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// checkRunName keeps to names that a folder, a model and the API can have.
func checkRunName(name string) error {
	switch {
	case !runName.MatchString(name):
		return fmt.Errorf("the name %.80q: use 1 to 63 of a-z, 0-9, _ and -, beginning with a letter or digit", name)
	case name == hub.BundledName:
		return fmt.Errorf("the name %q is that of the model that is built in", name)
	}
	return nil
}

// withCollection adds the collection that an order names beside its configuration.
func withCollection(fields map[string]any, collection string) map[string]any {
	fields = maps.Clone(fields)
	if collection == "" {
		return fields
	}
	data, _ := fields["data"].(map[string]any)
	data = maps.Clone(data)
	if data == nil {
		data = map[string]any{}
	}
	data["collection"] = collection
	if fields == nil {
		fields = map[string]any{}
	}
	fields["data"] = data
	return fields
}

// decodeStrictly refuses fields that into lacks.
func decodeStrictly(content []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}
