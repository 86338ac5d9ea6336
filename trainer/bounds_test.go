package trainer_test

import (
	"strings"
	"testing"

	"polylens/trainer"
)

// What no machine can do is refused before it is begun: it would keep all other runs
// waiting for ever, or end the process for lack of memory.
func TestSettingsHaveBounds(t *testing.T) {
	for name, config := range map[string]string{
		"steps":                 `{"steps":1000000000000}`,
		"batch.pictures":        `{"batch":{"pictures":1000000000}}`,
		"batch.texts":           `{"batch":{"texts":1000000000}}`,
		"batch.accumulate":      `{"batch":{"accumulate":1000000000}}`,
		"batch.patches":         `{"batch":{"patches":[64,1000000000]}}`,
		"batch.patches below 1": `{"batch":{"patches":[-1]}}`,
		"lora.rank":             `{"mode":"lora","lora":{"rank":1000000}}`,
		"lora.alpha":            `{"mode":"lora","lora":{"alpha":1e308}}`,
		"split.near":            `{"split":{"near":256}}`,
		"checkpoint.keep":       `{"checkpoint":{"keep":1000000000}}`,
		"selection.super_batch": `{"selection":{"teacher":"/teacher","super_batch":1000000000}}`,
		"selection, chunks":     `{"selection":{"teacher":"/teacher","chunks":1000000000}}`,
		"captions, layers":      `{"captions":{"weight":1,"layers":1000000000}}`,
		"captions, at once":     `{"captions":{"weight":1,"part":1000000000000000000}}`,
		"distill: local":        `{"distill":{"factor":1,"local":1000000000}}`,
		"distill: local_side":   `{"distill":{"factor":1,"local_side":1000000000}}`,
		"distill: hidden":       `{"distill":{"factor":1,"hidden":4611686018427387904}}`,
		"distill: embedding":    `{"distill":{"factor":1,"embedding":1000000000000}}`,
		"distill: prototypes":   `{"distill":{"factor":1,"prototypes":4611686018427387904}}`,
	} {
		_, err := trainer.ParseConfig([]byte(config), trainer.DefaultPreset)
		word, _, _ := strings.Cut(name, " ")
		if err == nil || !strings.Contains(err.Error(), strings.Trim(word, ",:")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A step that no memory of this machine holds is refused, whatever it is that takes so
// much; what fits is not.
func TestStepsFitIntoMemory(t *testing.T) {
	model, err := trainer.OpenModel(newFixture(t).model(), "the fixture")
	if err != nil {
		t.Fatal(err)
	}
	const most = 1 << 29
	for name, config := range map[string]string{
		"pictures":            `{"mode":"full","batch":{"pictures":65536}}`,
		"texts":               `{"batch":{"pictures":16,"texts":4096}}`,
		"parts":               `{"batch":{"accumulate":65536}}`,
		"what is chosen from": `{"selection":{"teacher":"/teacher","super_batch":65536}}`,
		"local views":         `{"mode":"full","batch":{"pictures":128,"accumulate":128},"distill":{"factor":1,"local":64,"local_side":24}}`,
		"recomputed":          `{"mode":"full","batch":{"pictures":65536,"recompute":true}}`,
	} {
		parsed, err := trainer.ParseConfig([]byte(config), trainer.DefaultPreset)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := parsed.CheckMemory(model, most, true); err == nil || !strings.Contains(err.Error(), "GiB of memory") {
			t.Errorf("%s: %v", name, err)
		}
		if err := parsed.CheckMemory(model, 0, false); err != nil {
			t.Errorf("%s, where nobody knows how much there is: %v", name, err)
		}
	}
	for _, preset := range trainer.Presets() {
		config, err := trainer.Preset(preset)
		if err != nil {
			t.Fatal(err)
		}
		if err := config.CheckMemory(model, most, true); err != nil {
			t.Errorf("the preset %s: %v", preset, err)
		}
	}
}
