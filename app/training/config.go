package training

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"strings"

	"polylens/app/setup"
	"polylens/encoder/hub"
	"polylens/internal/ordinary"
	"polylens/trainer"
	"polylens/trainer/data"
)

// Config is all that decides what a run does: what the file of --config and
// the API say, and what the catalogue keeps. Its JSON is that of a
// trainer.Config, with three more fields.
type Config struct {
	Preset string `json:"preset,omitempty"` // where missing fields come from
	Model  string `json:"model,omitempty"`  // to begin with; empty: the one in use
	Data   Data   `json:"data"`
	trainer.Config
}

// Data says what a run learns from.
type Data struct {
	Pairs      []string `json:"pairs,omitempty"`      // files or folders
	Collection string   `json:"collection,omitempty"` //
	Fields     []string `json:"fields,omitempty"`     // templates of metadata, of the collection
	Languages  []string `json:"languages,omitempty"`  // of captions, of the collection; empty: all
	Guard      string   `json:"guard,omitempty"`      // what must not be forgotten: demo, none, a file or a folder
}

// ParseConfig reads a configuration over a preset: the one given, else the one
// that it names, else the default.
func ParseConfig(content []byte, preset string) (Config, error) {
	fields := map[string]json.RawMessage{}
	var config Config
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

// Object is a configuration as a JSON object.
func (c Config) Object() (map[string]any, error) {
	content, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	return fields, json.Unmarshal(content, &fields)
}

// sameAs is nil if c is the configuration that the run of a name was begun with.
func (c Config) sameAs(name string, kept json.RawMessage) error {
	if !c.equal(kept) {
		return fmt.Errorf("the run %q was begun with other settings: choose another --name, or begin anew with --restart", name)
	}
	return nil
}

// GoesOn is nil if c is the configuration that the run of a name was begun with. base
// is the directory of the model that the run began with, and counts if c names no
// model: the model in use may be another by now.
func (c Config) GoesOn(name, base string, kept json.RawMessage) error {
	c.Model = cmp.Or(c.Model, base)
	return c.sameAs(name, kept)
}

// equal reports whether two configurations do the same. What the catalogue keeps
// was written by whichever program began the run.
func (c Config) equal(kept json.RawMessage) bool {
	other, err := ParseConfig(kept, "")
	if err != nil {
		return false
	}
	a, errA := json.Marshal(c)
	b, errB := json.Marshal(other)
	return errA == nil && errB == nil && string(a) == string(b)
}

// Check reports what is wrong with the data, as far as that can be seen without
// reading it.
func (d Data) Check() error {
	switch {
	case len(d.Pairs) == 0 && d.Collection == "":
		return errors.New("nothing to train on: name pairs or a collection (--pairs, --collection)")
	case d.Collection == "" && len(d.Fields)+len(d.Languages) > 0:
		return errors.New("fields and languages belong to a collection (--field, --languages)")
	}
	if err := data.CheckTemplates(d.templates()); err != nil {
		return err
	}
	for _, path := range d.files() {
		if !filepath.IsAbs(path) {
			return fmt.Errorf("%q is not an absolute path", path)
		}
		if err := readable(path); err != nil {
			return err
		}
	}
	return nil
}

// templates of a collection: each field is one, after its language and = if it has one.
func (d Data) templates() []data.Template {
	var templates []data.Template
	for _, field := range d.Fields {
		language, text, ok := strings.Cut(field, "=")
		if !ok || strings.Contains(language, "{{") {
			language, text = "", field
		}
		templates = append(templates, data.Template{Language: language, Text: text})
	}
	return templates
}

// readable is nil for a folder, and for an ordinary file that can be opened.
func readable(path string) error {
	if info, err := ordinary.Stat(path); err != nil || info.IsDir() {
		return err
	}
	file, err := ordinary.Open(path)
	if err != nil {
		return err
	}
	return file.Close()
}

// files returns the paths that must be readable.
func (d Data) files() []string {
	if d.Guard == GuardDemo || d.Guard == GuardNone {
		return d.Pairs
	}
	return append([]string{d.Guard}, d.Pairs...)
}

// Words for what must not be forgotten, in place of a path.
const (
	GuardDemo = setup.Demo // the pictures that setup fetches
	GuardNone = "none"     // the model may forget everything
)

// String says for people what a run learns from.
func (d Data) String() string {
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

// CheckName allows only names that a folder, a model and the API can have.
func CheckName(name string) error {
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
