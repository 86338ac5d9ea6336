package adapter

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestParseConfig(t *testing.T) {
	c, err := parseConfig([]byte(`{"peft_type":"LORA","r":4,"lora_alpha":6,"use_rslora":true,"use_dora":true,
		"base_model_name_or_path":"google/a","revision":null,"target_modules":".*q_proj","some_new_key":false,
		"rank_pattern":{"a|b":16,"x.b":9},"alpha_pattern":{"b":5.5}}`))
	if err != nil {
		t.Fatal(err)
	}
	if c.base != "google/a" || c.revision != "" || !c.doRA {
		t.Errorf("%+v", c)
	}
	tests := []struct {
		layer string
		rank  int64
		alpha float64
	}{
		{"a", 16, 6}, {"layers.0.a", 16, 6}, {"layers.0.ca", 4, 6}, {"x.b", 16, 5.5}, {"b.c", 4, 6},
	}
	for _, test := range tests {
		rank, scale := c.of(test.layer)
		if want := float32(test.alpha / math.Sqrt(float64(test.rank))); rank != test.rank || scale != want {
			t.Errorf("%s: rank %d, scale %v, want %d, %v", test.layer, rank, scale, test.rank, want)
		}
	}
}

// TestParseConfigRefuses: what would change the arithmetic in another way than
// Polylens knows is an error that names the key.
func TestParseConfigRefuses(t *testing.T) {
	tests := []struct{ keys, want string }{
		{``, "lacks peft_type"},
		{`"peft_type":"LOHA"`, `peft_type is "LOHA"`},
		{`"Peft_Type":"LORA"`, "lacks peft_type"},
		{`"peft_type":"LORA","init_lora_weights":"pissa_niter_4"`, "init_lora_weights"},
		{`"peft_type":"LORA","init_lora_weights":"olora"`, "init_lora_weights"},
		{`"peft_type":"LORA","use_qalora":true`, "use_qalora is set to true"},
		{`"peft_type":"LORA","alora_invocation_tokens":[1]`, "alora_invocation_tokens"},
		{`"peft_type":"LORA","target_parameters":["w"]`, "target_parameters"},
		{`"peft_type":"LORA","trainable_token_indices":[3]`, "trainable_token_indices"},
		{`"peft_type":"LORA","layer_replication":[[0,4]]`, "layer_replication"},
		{`"peft_type":"LORA","megatron_config":{"a":1}`, "megatron_config"},
		{`"peft_type":"LORA","new_trick":"on"`, "new_trick"},
		{`"peft_type":"LORA","new_trick":0.5`, "new_trick"},
		{`"peft_type":"LORA","r":0`, "r is 0"},
		{`"peft_type":"LORA","r":2.5`, "r is 2.5"},
		{`"peft_type":"LORA","r":"8"`, "r: "},
		{`"peft_type":"LORA","rank_pattern":{"q":0}`, "rank_pattern q is 0"},
		{`"peft_type":"LORA","rank_pattern":[1]`, "rank_pattern: "},
		{`"peft_type":"LORA","alpha_pattern":{"q":"1"}`, `value of "q"`},
		{`"peft_type":"LORA","alpha_pattern":{"(?!a)b":1}`, `key "(?!a)b"`},
		{`"peft_type":"LORA",`, "no adapter config"},
	}
	for _, test := range tests {
		if _, err := parseConfig([]byte("{" + test.keys + "}")); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v does not say %q", test.keys, err, test.want)
		}
	}
}

// FuzzParseConfig: whatever the bytes, no panic, and every layer of an
// accepted config has a usable rank.
// TestPatternWork: patterns for all layers of a large model are tried; those that would
// take hours are refused.
func TestPatternWork(t *testing.T) {
	layer := func(i int, part string) string { return fmt.Sprintf("vision_model.encoder.layers.%d.%s", i, part) }
	var names, keys []string
	for i := range 40 {
		for _, part := range []string{"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj", "mlp.fc1", "mlp.fc2"} {
			names = append(names, prefix+layer(i, part)+".lora_A.weight", prefix+layer(i, part)+".lora_B.weight")
			keys = append(keys, fmt.Sprintf("%q:8", layer(i, part)))
		}
	}
	for _, test := range []struct {
		name, patterns string
		names          []string
		refused        bool
	}{
		{"one for each layer", strings.Join(keys, ","), names, false},
		{"counted repetitions", `"(?:a{30}){30}":8,"(?:b{30}){30}":8`, slices.Repeat(names, 200), true},
		{"very many", strings.Repeat(`"x":8,`, 100_000) + `"x":8`, slices.Repeat(names, 40), true},
	} {
		c, err := parseConfig([]byte(`{"peft_type":"LORA","rank_pattern":{` + test.patterns + `}}`))
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if err := c.checkWork(test.names); (err != nil) != test.refused {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(`{"peft_type":"LORA","r":4,"rank_pattern":{"a":2},"alpha_pattern":{"b":5.5},"use_rslora":true}`), "a.b")
	f.Add([]byte(`{"peft_type":"LORA","init_lora_weights":"pissa"}`), "")
	f.Fuzz(func(t *testing.T, content []byte, layer string) {
		c, err := parseConfig(content)
		if err != nil {
			return
		}
		if rank, _ := c.of(layer); rank < 1 || rank > 65536 {
			t.Errorf("layer %q has rank %d", layer, rank)
		}
	})
}

// FuzzParseName: whatever the name, no panic, and an accepted one has a target.
func FuzzParseName(f *testing.F) {
	for _, suffix := range suffixes {
		f.Add(prefix + "vision_model.head.attention.base_layer.out_proj" + suffix.text)
	}
	f.Add(prefix + "text_model.head.weight")
	f.Fuzz(func(t *testing.T, text string) {
		found, err := parseName(text)
		if err == nil && found.part != replaces && found.times == 0 {
			t.Errorf("%q has no scale", text)
		}
	})
}
