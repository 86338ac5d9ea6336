package learner

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"polylens/encoder/adapter"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
	"polylens/trainer/checkpoint"

	"polylens/internal/ordinary"
)

// described are the files of a model directory that say how to use its weights.
var described = []string{
	siglip2.ConfigFile, "preprocessor_config.json", "processor_config.json", "tokenizer.json", "tokenizer_config.json",
	"special_tokens_map.json", "tokenizer.model", "spiece.model", "added_tokens.json", "generation_config.json",
}

// Write writes the model as it is now to a directory that does not exist yet:
// in the official layout, or, where adapters were trained, an adapter in the
// layout of PEFT for the model that it was trained on. Trained tensors are
// float32; the others stay as they were stored. What objectives have added is
// left out.
func (l *Learner) Write(ctx context.Context, dir string) error {
	if l.plan.Mode.adapters {
		return l.writeAdapter(ctx, dir)
	}
	files, err := existing(l.index.Dir, described)
	if err != nil {
		return err
	}
	return checkpoint.WriteModel(ctx, dir, checkpoint.Model{Original: l.index, Changed: l.changed(""), Copy: files})
}

func existing(dir string, names []string) ([]string, error) {
	var files []string
	for _, name := range names {
		path := filepath.Join(dir, name)
		switch _, err := ordinary.Stat(path); {
		case err == nil:
			files = append(files, path)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return files, nil
}

// changed are the trained tensors whose names begin so, those of the
// checkpoint if prefix is empty.
func (l *Learner) changed(prefix string) []checkpoint.Changed {
	var tensors []checkpoint.Changed
	for i, parameter := range l.State.Parameters {
		_, stored := l.index.Tensor(parameter.Name)
		if prefix == "" && !stored || !strings.HasPrefix(parameter.Name, prefix) {
			continue
		}
		tensors = append(tensors, checkpoint.Changed{
			Name: parameter.Name, DType: safetensors.F32, Shape: parameter.Shape, Values: l.State.Weight(i),
		})
	}
	return tensors
}

// writeAdapter writes an adapter. Its weights are the only ones there, so
// temperature and bias of the loss, which search does not use, are left out.
func (l *Learner) writeAdapter(ctx context.Context, dir string) error {
	base, err := filepath.Abs(l.index.Dir)
	if err != nil {
		return err
	}
	lora := l.plan.LoRA
	config, err := json.MarshalIndent(map[string]any{
		"peft_type": "LORA", "base_model_name_or_path": base, "r": lora.Rank, "lora_alpha": lora.Alpha,
		"target_modules": lora.pattern(), "bias": "none", "lora_dropout": 0.0, "fan_in_fan_out": false,
		"inference_mode": true, "task_type": nil, "use_rslora": false, "use_dora": false,
	}, "", "  ")
	if err != nil {
		return err
	}
	return checkpoint.WriteModel(ctx, dir, checkpoint.Model{
		Changed: l.changed(adapterPrefix), Files: map[string][]byte{adapter.ConfigFile: config}, Weights: adapter.WeightsFile,
	})
}

// pattern is the regular expression that tells PEFT which layers have an adapter:
// plain names would match those of the pooling head too.
func (l LoRA) pattern() string {
	towers, targets := slices.Sorted(slices.Values(l.Towers)), slices.Sorted(slices.Values(l.Targets))
	return `.*(` + strings.Join(towers, "|") + `)_model\.encoder\.layers\.\d+\.\w+\.(` + strings.Join(targets, "|") + `)`
}
