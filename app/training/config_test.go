package training

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"polylens/trainer"
)

func parse(t *testing.T, content, preset string) Config {
	t.Helper()
	config, err := ParseConfig([]byte(content), preset)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// TestParseConfig: a preset given as an argument outranks the one named in the file,
// and unknown fields are refused at every depth.
func TestParseConfig(t *testing.T) {
	for _, test := range []struct{ content, preset, want string }{
		{"", "", trainer.DefaultPreset}, {`{"preset":"tiny"}`, "", "tiny"}, {`{"preset":"tiny"}`, "full", "full"},
	} {
		if config := parse(t, test.content, test.preset); config.Preset != test.want {
			t.Errorf("%s over %q has the preset %q, want %q", test.content, test.preset, config.Preset, test.want)
		}
	}
	config := parse(t, `{"model":"m","steps":3,"data":{"collection":"c","languages":["de"],"guard":"none"},"optimizer":{"warmup":0}}`, "")
	if config.Model != "m" || config.Steps != 3 || config.Data.Collection != "c" || config.Data.Languages[0] != "de" || config.Data.Guard != GuardNone {
		t.Errorf("%+v", config)
	}
	for _, content := range []string{`{"stepps":1}`, `{"data":{"pears":[]}}`, `{"model":1}`, `steps: 3`} {
		if _, err := ParseConfig([]byte(content), ""); err == nil {
			t.Errorf("%s is taken", content)
		}
	}
}

// TestGoesOn: a run goes on with the configuration that it was begun with, even if
// the model in use is another by now.
func TestGoesOn(t *testing.T) {
	kept := []byte(`{"model":"/models/first","steps":900,"data":{"collection":"c"}}`)
	for _, test := range []struct {
		content string
		same    bool
	}{
		{string(kept), true},
		{`{"steps":900,"data":{"collection":"c"}}`, true},
		{`{"model":"/models/second","steps":900,"data":{"collection":"c"}}`, false},
		{`{"steps":1000,"data":{"collection":"c"}}`, false},
		{`{"steps":900,"data":{"collection":"d"}}`, false},
	} {
		err := parse(t, test.content, "").GoesOn("birds", "/models/first", kept)
		if (err == nil) != test.same || err != nil && !strings.Contains(err.Error(), "--restart") {
			t.Errorf("%s: %v", test.content, err)
		}
	}
}

// TestDataCheck: files must exist, and their paths must be absolute.
func TestDataCheck(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pairs.csv")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(t.TempDir(), "pipe.csv")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		data Data
		word string // of the error; "" for none
	}{
		{Data{Pairs: []string{filepath.Dir(file)}, Guard: filepath.Dir(file)}, ""},
		{Data{Pairs: []string{pipe}, Guard: GuardNone}, "not an ordinary file"},
		{Data{Pairs: []string{"/dev/zero"}, Guard: GuardNone}, "not an ordinary file"},
		{Data{Pairs: []string{file}, Guard: pipe}, "not an ordinary file"},
		{Data{Collection: "c", Fields: []string{"en={{.Field"}, Guard: GuardNone}, "template"},
		{Data{Collection: "c", Fields: make([]string, 101), Guard: GuardNone}, "101 templates"},
		{Data{Pairs: []string{file}, Guard: GuardDemo}, ""},
		{Data{Collection: "c", Fields: []string{"title"}, Guard: GuardNone}, ""},
		{Data{}, "nothing to train on"},
		{Data{Pairs: []string{file}, Fields: []string{"title"}}, "belong to a collection"},
		{Data{Pairs: []string{"pairs.csv"}, Guard: GuardNone}, "absolute"},
		{Data{Pairs: []string{file + ".gone"}, Guard: GuardNone}, "no such file"},
		{Data{Pairs: []string{file}, Guard: file + ".gone"}, "no such file"},
	} {
		err := test.data.Check()
		if (err == nil) != (test.word == "") || err != nil && !strings.Contains(err.Error(), test.word) {
			t.Errorf("%+v: %v, want %q", test.data, err, test.word)
		}
	}
}

// TestWithCollection: the collection that an order names beside its configuration
// is added to it, and the order itself stays as it was.
func TestWithCollection(t *testing.T) {
	fields := map[string]any{"data": map[string]any{"guard": "none"}}
	got := withCollection(fields, "birds")["data"].(map[string]any)
	if got["collection"] != "birds" || got["guard"] != "none" {
		t.Errorf("the data is %v", got)
	}
	if _, changed := fields["data"].(map[string]any)["collection"]; changed {
		t.Error("the order was changed")
	}
	if got := withCollection(nil, "birds")["data"].(map[string]any); got["collection"] != "birds" {
		t.Errorf("without a configuration the data is %v", got)
	}
}
