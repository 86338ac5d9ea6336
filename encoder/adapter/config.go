package adapter

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"polylens/internal/ordinary"
)

// maxConfig bounds the config file; one with a pattern for every layer of the
// largest model has some 50 kB.
const maxConfig = 1 << 20

// remedy helps with everything that PEFT can do and Polylens cannot.
const remedy = "merge the adapter with PEFT's merge_and_unload and open the merged model instead"

// config is what adapter_config.json says about the arithmetic.
type config struct {
	base, revision string
	rank           float64
	alpha          float64
	ranks, alphas  patterns // exceptions from rank and alpha
	rsLoRA         bool     // scale by the square root of the rank
	doRA           bool
}

// silent are the keys that say how an adapter was trained, or which weights
// got one. Neither changes what is added: the tensors in the file are named
// after the weights that they belong to. PEFT ignores fan_in_fan_out for the
// kind of layers that these models have.
var silent = []string{
	"auto_mapping", "bias", "corda_config", "ensure_weight_tying", "eva_config", "exclude_modules", "fan_in_fan_out",
	"inference_mode", "layers_pattern", "layers_to_transform", "loftq_config", "lora_bias", "lora_dropout", "lora_ga_config",
	"megatron_core", "modules_to_save", "peft_version", "qalora_group_size", "runtime_config", "target_modules", "task_type",
}

func readConfig(path string) (config, error) {
	content, err := ordinary.Read(path, maxConfig)
	if err != nil {
		return config{}, fmt.Errorf("no adapter: %w; point to a directory that PEFT's save_pretrained wrote", err)
	}
	c, err := parseConfig(content)
	if err != nil {
		return config{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// parseConfig reads an adapter_config.json. A key that it does not know is accepted
// only if it is not set, because it could change the arithmetic.
func parseConfig(content []byte) (config, error) {
	// A map, because a struct would also take "R" for "r".
	var values map[string]json.RawMessage
	if err := json.Unmarshal(content, &values); err != nil {
		return config{}, fmt.Errorf("is no adapter config: %w", err)
	}
	if err := checkType(values["peft_type"]); err != nil {
		return config{}, err
	}
	if err := checkInitialization(values["init_lora_weights"]); err != nil {
		return config{}, err
	}
	c := config{rank: 8, alpha: 8} // PEFT's defaults
	fields := map[string]any{
		"base_model_name_or_path": &c.base, "revision": &c.revision, "r": &c.rank, "lora_alpha": &c.alpha,
		"rank_pattern": &c.ranks, "alpha_pattern": &c.alphas, "use_rslora": &c.rsLoRA, "use_dora": &c.doRA,
	}
	known := slices.Concat(silent, slices.Collect(maps.Keys(fields)), []string{"peft_type", "init_lora_weights"})
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if field, ok := fields[key]; ok {
			if err := json.Unmarshal(values[key], field); err != nil {
				return config{}, fmt.Errorf("%s: %w", key, err)
			}
		} else if !slices.Contains(known, key) && isSet(values[key]) {
			return config{}, fmt.Errorf("%s is set to %s, which is not supported; %s", key, values[key], remedy)
		}
	}
	return c, c.check()
}

func checkType(raw json.RawMessage) error {
	if string(raw) == `"LORA"` {
		return nil
	}
	if raw == nil {
		return errors.New("lacks peft_type: it was not written by PEFT")
	}
	return fmt.Errorf("peft_type is %s, only \"LORA\" is supported; %s", raw, remedy)
}

// checkInitialization refuses the initializations that take something out of
// the base weights: what such an adapter adds belongs to other weights than
// the checkpoint holds.
func checkInitialization(raw json.RawMessage) error {
	switch string(raw) {
	case "", "null", "true", "false", `"gaussian"`, `"eva"`, `"orthogonal"`:
		return nil
	default:
		return fmt.Errorf("init_lora_weights is %s, which changes the base weights, and is not supported; "+
			"save the adapter with path_initial_model_for_weight_conversion, or %s", raw, remedy)
	}
}

// isSet reports whether a value says more than that a feature is not used.
func isSet(raw json.RawMessage) bool {
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return true
	}
	switch v := value.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	default:
		return true
	}
}

func (c config) check() error {
	if err := checkRank("r", c.rank); err != nil {
		return err
	}
	for _, exception := range c.ranks {
		if err := checkRank("rank_pattern "+exception.key, exception.value); err != nil {
			return err
		}
	}
	return nil
}

func checkRank(name string, rank float64) error {
	if rank != math.Trunc(rank) || rank < 1 || rank > 65536 {
		return fmt.Errorf("%s is %v, no whole number from 1 to 65536", name, rank)
	}
	return nil
}

// of returns the rank and the scale that PEFT gives the layer of this name.
func (c config) of(layer string) (rank int64, scale float32) {
	r := c.ranks.find(layer, c.rank)
	alpha := c.alphas.find(layer, c.alpha)
	if c.rsLoRA {
		return int64(r), float32(alpha / math.Sqrt(r))
	}
	return int64(r), float32(alpha / r)
}
