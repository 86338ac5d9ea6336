package fresh

import (
	"context"
	"fmt"
	"slices"

	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
	"polylens/trainer/checkpoint"
)

// dtypes are the types that weights can be stored in, by the names that torch
// has for them.
var dtypes = map[string]safetensors.DType{"float32": safetensors.F32, "float16": safetensors.F16, "bfloat16": safetensors.BF16}

// Convert writes a copy of a model whose matrices are stored in another type:
// float32, float16 or bfloat16. All else stays as it is, biases and norms in
// their own type, and config.json, whose torch_dtype says what to compute in.
// The directory to must not exist. A value that the type cannot hold is an error.
func Convert(ctx context.Context, from, to, dtype string) error {
	stored, ok := dtypes[dtype]
	if !ok {
		return fmt.Errorf("the type %q is unknown: choose float32, float16 or bfloat16", dtype)
	}
	index, err := safetensors.Open(from)
	if err != nil {
		return err
	}
	paths, err := existing(from, slices.Concat([]string{siglip2.ConfigFile, "generation_config.json"}, tokenizerFiles, copied))
	if err != nil {
		return err
	}
	slices.Sort(paths) // special_tokens_map.json is in both lists
	return checkpoint.WriteModel(ctx, to, checkpoint.Model{Original: index, Matrices: stored, Copy: slices.Compact(paths)})
}
