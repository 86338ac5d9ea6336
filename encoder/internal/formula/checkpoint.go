package formula

import (
	"fmt"
	"os"
	"path/filepath"

	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
)

// Parameter is the name and shape of one weight.
type Parameter struct {
	Name  string
	Shape []int64
}

// Parameters lists the weights of a model in the order of Hugging Face files.
func Parameters(c siglip2.Config) []Parameter {
	list := []Parameter{{"logit_scale", []int64{1}}, {"logit_bias", []int64{1}}}
	add := func(name string, shape ...int64) { list = append(list, Parameter{name, shape}) }
	linear := func(name string, out, in int64) { add(name+".weight", out, in); add(name+".bias", out) }
	norm := func(name string, width int64) { add(name+".weight", width); add(name+".bias", width) }
	mlp := func(name string, t siglip2.Tower) {
		linear(name+".fc1", t.MLP, t.Width)
		linear(name+".fc2", t.Width, t.MLP)
	}
	blocks := func(tower string, t siglip2.Tower) {
		for i := range t.Layers {
			layer := fmt.Sprintf("%s.encoder.layers.%d.", tower, i)
			norm(layer+"layer_norm1", t.Width)
			for _, part := range []string{"q", "k", "v", "out"} {
				linear(layer+"self_attn."+part+"_proj", t.Width, t.Width)
			}
			norm(layer+"layer_norm2", t.Width)
			mlp(layer+"mlp", t)
		}
	}
	add("text_model.embeddings.token_embedding.weight", c.Text.Vocabulary, c.Text.Width)
	add("text_model.embeddings.position_embedding.weight", c.Text.Length, c.Text.Width)
	blocks("text_model", c.Text.Tower)
	norm("text_model.final_layer_norm", c.Text.Width)
	linear("text_model.head", c.Text.Projection, c.Text.Width)
	width, patch := c.Vision.Width, int64(c.Vision.Patch)
	if c.NaFlex() {
		add("vision_model.embeddings.patch_embedding.weight", width, c.Vision.PatchValues())
	} else {
		add("vision_model.embeddings.patch_embedding.weight", width, c.Vision.Channels, patch, patch)
	}
	add("vision_model.embeddings.patch_embedding.bias", width)
	add("vision_model.embeddings.position_embedding.weight", c.Vision.Patches(), width)
	blocks("vision_model", c.Vision.Tower)
	norm("vision_model.post_layernorm", width)
	add("vision_model.head.probe", 1, 1, width)
	add("vision_model.head.attention.in_proj_weight", 3*width, width)
	add("vision_model.head.attention.in_proj_bias", 3*width)
	linear("vision_model.head.attention.out_proj", width, width)
	norm("vision_model.head.layernorm", width)
	mlp("vision_model.head.mlp", c.Vision.Tower)
	return list
}

// Weights computes all weights of a model.
func Weights(c siglip2.Config) []safetensors.Weights {
	var weights []safetensors.Weights
	for _, p := range Parameters(c) {
		weights = append(weights, safetensors.Weights{Name: p.Name, Shape: p.Shape, Values: Weight(p.Name, p.Shape)})
	}
	return weights
}

// WriteCheckpoint writes config.json and model.safetensors into dir.
func WriteCheckpoint(dir string, config []byte) error {
	parsed, err := siglip2.ParseConfig(config)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, siglip2.ConfigFile), config, 0o600); err != nil {
		return err
	}
	return safetensors.WriteFile(filepath.Join(dir, safetensors.SingleFile), Weights(parsed))
}
