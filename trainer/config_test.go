package trainer_test

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"polylens/trainer"
)

var update = flag.Bool("update", false, "write golden files")

// TestPresets compares every preset with its golden file, which reads as a
// configuration that says the same.
func TestPresets(t *testing.T) {
	for _, name := range trainer.Presets() {
		config, err := trainer.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		content, err := json.MarshalIndent(config, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", "presets", name+".json")
		if *update {
			write(t, path, string(content)+"\n")
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(content)+"\n" != string(want) {
			t.Errorf("the preset %s differs from %s: if that is meant, run go test ./trainer -run Presets -update", name, path)
		}
		for _, over := range trainer.Presets() {
			if got, err := trainer.ParseConfig(want, over); err != nil || !reflect.DeepEqual(got, config) {
				t.Errorf("%s over the preset %s reads as another: %v", path, over, err)
			}
		}
	}
}

// TestPresetsAreApart demands that one change of a preset changes no other.
func TestPresetsAreApart(t *testing.T) {
	changed, err := trainer.ParseConfig([]byte(`{"optimizer":{"rates":{"text":7}},"lora":{"targets":["fc1"]},"guard":{"languages":{"de":2}}}`), "lora")
	if err != nil || changed.Optimizer.Rates["text"] != 7 || changed.Optimizer.Rates["new"] != 10 {
		t.Fatalf("%v: %+v", err, changed)
	}
	fresh, err := trainer.Preset("lora")
	if err != nil || fresh.Optimizer.Rates["text"] != 1 || len(fresh.LoRA.Targets) != 6 || len(fresh.Guard.Languages) != 0 {
		t.Errorf("%v: %+v", err, fresh)
	}
}

// bad are configurations over the preset "lora", and words of their errors.
var bad = map[string][]string{
	`[]`:                              {"configuration of the run"},
	`{"steps":1`:                      {"configuration of the run", "EOF"},
	`{} {}`:                           {"configuration of the run", "more than one"},
	`{"step":1}`:                      {"unknown field", `"step"`},
	`{"batch":{"size":8}}`:            {"unknown field", `"size"`},
	`{"optimizer":{"rate":1}}`:        {"unknown field", `"rate"`},
	`{"steps":"many"}`:                {"steps"},
	`{"steps":1.5}`:                   {"steps"},
	`{"steps":1e400}`:                 {"steps"},
	`{"seed":-1}`:                     {"seed"},
	`{"steps":0}`:                     {"0 steps", "at least 1"},
	`{"steps":10}`:                    {"warmup of 50", "10 steps"},
	`{"mode":"all"}`:                  {`mode "all"`, "text-only", "last-2"},
	`{"mode":"last-x"}`:               {`mode "last-x"`},
	`{"mode":""}`:                     {`mode ""`},
	`{"lora":{"rank":0}}`:             {"lora.rank 0"},
	`{"lora":{"rank":1000000000000}}`: {"lora.rank 1000000000000"},
	`{"lora":{"alpha":0}}`:            {"lora.alpha 0"},
	`{"lora":{"targets":[]}}`:         {"lora.targets"},
	`{"lora":{"targets":["q_proj","queries"]}}`:    {`lora.targets`, `"queries"`, "fc2"},
	`{"lora":{"towers":[]}}`:                       {"lora.towers"},
	`{"lora":{"towers":["audio"]}}`:                {"lora.towers", `"audio"`, "vision"},
	`{"batch":{"pictures":1}}`:                     {"batch.pictures 1", "at least 2"},
	`{"batch":{"texts":0}}`:                        {"batch.texts 0"},
	`{"batch":{"texts":1000000000}}`:               {"batch.texts 1000000000"},
	`{"batch":{"pictures":1000000000}}`:            {"batch.pictures 1000000000"},
	`{"batch":{"accumulate":0}}`:                   {"batch.accumulate 0"},
	`{"batch":{"accumulate":9000000000000000000}}`: {"batch.accumulate 9000000000000000000"},
	`{"batch":{"language_temperature":0.5}}`:       {"batch.language_temperature 0.5"},
	`{"batch":{"augmentation":"wild"}}`:            {`"wild"`, "photo"},
	`{"optimizer":{"learning_rate":0}}`:            {"optimizer.learning_rate 0"},
	`{"optimizer":{"learning_rate":-1}}`:           {"optimizer.learning_rate -1"},
	`{"optimizer":{"rates":{"texts":1}}}`:          {"optimizer.rates", `"texts"`, "text, vision, loss, new"},
	`{"optimizer":{"rates":{"text":-1}}}`:          {"optimizer.rates", `"text"`},
	`{"optimizer":{"weight_decay":-1}}`:            {"optimizer.weight_decay -1"},
	`{"optimizer":{"clip":-1}}`:                    {"clip -1"},
	`{"optimizer":{"epsilon":0}}`:                  {"epsilon 0"},
	`{"optimizer":{"beta1":1}}`:                    {"optimizer.beta1 1"},
	`{"optimizer":{"beta2":-0.1}}`:                 {"beta2 -0.1"},
	`{"optimizer":{"schedule":"linear"}}`:          {`schedule "linear"`, "cosine"},
	`{"optimizer":{"warmup":-1}}`:                  {"warmup of -1"},
	`{"split":{"validation":-0.1}}`:                {"split.validation -0.1"},
	`{"split":{"validation":0.6,"test":0.4}}`:      {"split.validation 0.6", "test 0.4"},
	`{"split":{"validation":0}}`:                   {"split.validation", "validation.every"},
	`{"split":{"near":300}}`:                       {"split.near 300"},
	`{"validation":{"every":-1}}`:                  {"validation.every -1"},
	`{"validation":{"patience":-1}}`:               {"patience -1"},
	`{"validation":{"limit":-1}}`:                  {"limit -1"},
	`{"validation":{"metric":"accuracy"}}`:         {"validation.metric", `"accuracy"`, "mrr"},
	`{"guard":{"allowed":-1}}`:                     {"guard.allowed -1"},
	`{"guard":{"languages":{"de":-1}}}`:            {"guard.languages", `"de"`},
	`{"captions":{"weight":-1}}`:                   {"captions: weight -1"},
	`{"captions":{"weight":1,"parallel":2}}`:       {"captions: share 2"},
	`{"captions":{"weight":1,"boxes":true}}`:       {"captions.boxes", `"photo"`, `"none"`},
	`{"keep":{"patches":-1}}`:                      {"keep.patches -1"},
	`{"keep":{"tokens":1}}`:                        {"keep.tokens 1"},
	`{"keep":{"until":2}}`:                         {"keep.until 2"},
	`{"average":1}`:                                {"average 1", "below 1"},
	`{"average":-0.1}`:                             {"average -0.1"},
	`{"labels":{"shared":1}}`:                      {"labels: shared 1"},
	`{"labels":{"items":1,"alone":true}}`:          {"labels.alone", "vision-only"},
	`{"mode":"vision-only","batch":{"all_items":true},"labels":{"items":1,"alone":true}}`: {"labels.alone", "batch.all_items"},
	`{"labels":{"names":1}}`:     {"labels.names", "batch.all_items"},
	`{"checkpoint":{"every":0}}`: {"checkpoint.every 0"},
	`{"checkpoint":{"keep":-1}}`: {"checkpoint.keep -1"},
}

func TestBadConfigs(t *testing.T) {
	for _, content := range slices.Sorted(maps.Keys(bad)) {
		_, err := trainer.ParseConfig([]byte(content), "lora")
		if err == nil {
			t.Errorf("%s is taken", content)
			continue
		}
		for _, word := range append(bad[content], "the configuration of the run") {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: the error %q lacks %q", content, err, word)
			}
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: the error %q has several lines", content, err)
		}
	}
	if _, err := trainer.ParseConfig(nil, "huge"); err == nil || !strings.Contains(err.Error(), `"huge"`) || !strings.Contains(err.Error(), "text-only") {
		t.Errorf("an unknown preset: %v", err)
	}
}

// TestGoodConfigs demands that what looks odd but has a meaning is taken.
func TestGoodConfigs(t *testing.T) {
	for _, content := range []string{
		"", "{}", " \n", `{"mode":"last-2"}`, `{"mode":"query"}`, `{"optimizer":{"clip":0,"weight_decay":0}}`,
		`{"split":{"validation":0,"test":0},"validation":{"every":0}}`, `{"split":{"near":-1}}`, `{"checkpoint":{"keep":0}}`,
		`{"mode":"full","lora":{"rank":0}}`, `{"optimizer":{"rates":{"text":0}}}`, `{"steps":50}`,
		`{"captions":{"weight":1}}`, `{"captions":{"boxes":true}}`, `{"captions":{"weight":1,"boxes":true},"batch":{"augmentation":"none"}}`,
	} {
		if _, err := trainer.ParseConfig([]byte(content), "lora"); err != nil {
			t.Errorf("%s: %v", content, err)
		}
	}
}

// FuzzParseConfig demands that what is taken is written and read as the same.
func FuzzParseConfig(f *testing.F) {
	for content := range bad {
		f.Add([]byte(content))
	}
	f.Add([]byte(`{"steps":60,"optimizer":{"rates":{"new":2}},"guard":{"languages":{"de":0.5}}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		config, err := trainer.ParseConfig(content, "lora")
		if err != nil {
			return
		}
		written, err := json.Marshal(config)
		if err != nil {
			t.Fatal(err)
		}
		again, err := trainer.ParseConfig(written, "full")
		rewritten, _ := json.Marshal(again)
		if err != nil || string(written) != string(rewritten) {
			t.Errorf("%s is written as %s and read as %s: %v", content, written, rewritten, err)
		}
	})
}
