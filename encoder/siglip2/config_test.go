package siglip2_test

import (
	"strings"
	"testing"

	"polylens/encoder/siglip2"
)

// TestSparseConfig reads google/siglip2-base-patch16-512 as the hub has it:
// what is absent takes the defaults of transformers.
func TestSparseConfig(t *testing.T) {
	config, err := siglip2.ParseConfig([]byte(`{"initializer_factor":1.0,"model_type":"siglip",
		"text_config":{"model_type":"siglip_text_model","vocab_size":256000},"transformers_version":"4.49.0.dev0",
		"vision_config":{"image_size":512,"model_type":"siglip_vision_model"}}`))
	if err != nil {
		t.Fatal(err)
	}
	tower := siglip2.Tower{Width: 768, MLP: 3072, Layers: 12, Heads: 12, Activation: siglip2.GeluTanh, Epsilon: 1e-6}
	text := siglip2.TextConfig{Tower: tower, Vocabulary: 256000, Length: 64, Projection: 768}
	vision := siglip2.VisionConfig{Tower: tower, Image: 512, Patch: 16, Channels: 3, UseHead: true}
	if config != (siglip2.Config{Text: text, Vision: vision}) {
		t.Errorf("config is %+v", config)
	}
	if config.Dimension() != 768 || config.Vision.Patches() != 1024 {
		t.Errorf("dimension %d, %d patches", config.Dimension(), config.Vision.Patches())
	}
}

func TestConfigSides(t *testing.T) {
	config, err := siglip2.ParseConfig([]byte(`{"model_type":"siglip","vision_config":{"image_size":[384,384],"patch_size":14}}`))
	if err != nil || config.Vision.Grid() != 27 || config.Vision.Image != 384 {
		t.Errorf("grid %d of %d pixels: %v", config.Vision.Grid(), config.Vision.Image, err)
	}
}

func TestConfigErrors(t *testing.T) {
	text := func(field string) string { return `{"model_type":"siglip","text_config":{` + field + `}}` }
	vision := func(field string) string { return `{"model_type":"siglip","vision_config":{` + field + `}}` }
	tests := []struct{ name, config, want string }{
		{"not JSON", `nonsense`, "no SigLIP config"},
		{"no type", `{}`, `model_type ""`},
		{"another type", `{"model_type":"clip"}`, `model_type "clip"`},
		{"NaFlex positions", `{"model_type":"siglip2","vision_config":{"num_patches":255}}`, "num_patches 255 is no square"},
		{"NaFlex patch", `{"model_type":"siglip2","vision_config":{"patch_size":0}}`, "patch_size 0"},
		{"wrong type", text(`"hidden_size":"768"`), "no SigLIP config"},
		{"fraction", text(`"hidden_size":1.5`), "no SigLIP config"},
		{"zero width", text(`"hidden_size":0`), "text_config.hidden_size 0 is outside"},
		{"huge width", vision(`"hidden_size":1000000000`), "vision_config.hidden_size"},
		{"huge MLP", vision(`"intermediate_size":1000000000`), "vision_config.intermediate_size"},
		{"huge vocabulary", text(`"vocab_size":1000000000`), "text_config.vocab_size"},
		{"no layers", vision(`"num_hidden_layers":0`), "num_hidden_layers 0"},
		{"heads", vision(`"num_attention_heads":7`), "7 does not divide hidden_size 768"},
		{"no heads", vision(`"num_attention_heads":0`), "num_attention_heads 0"},
		{"activation", text(`"hidden_act":"relu"`), `hidden_act is "relu"`},
		{"epsilon", text(`"layer_norm_eps":0`), "layer_norm_eps 0"},
		{"length", text(`"max_position_embeddings":-1`), "max_position_embeddings -1"},
		{"dimensions differ", text(`"projection_size":512`), "cannot be compared"},
		{"channels", vision(`"num_channels":4`), "num_channels 4"},
		{"no head", vision(`"vision_use_head":false`), "vision_use_head is false"},
		{"patch beyond picture", vision(`"patch_size":225`), "patch_size 225"},
		{"no patch", vision(`"patch_size":0`), "patch_size 0"},
		{"oblong", vision(`"image_size":[224,112]`), "only squares"},
		{"huge picture", vision(`"image_size":100000`), "image_size 100000"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := siglip2.ParseConfig([]byte(test.config)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v does not say %q", err, test.want)
			}
		})
	}
}

func TestReadConfigOfNoModel(t *testing.T) {
	if _, err := siglip2.ReadConfig(t.TempDir()); err == nil || !strings.Contains(err.Error(), "Hugging Face layout") {
		t.Errorf("an empty folder answers %v", err)
	}
}

// FuzzParseConfig: whatever is accepted can be built with.
func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(`{"model_type":"siglip"}`))
	f.Add([]byte(`{"model_type":"siglip","vision_config":{"image_size":[384,384],"patch_size":14}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		config, err := siglip2.ParseConfig(content)
		if err != nil {
			return
		}
		if config.Vision.Patches() < 1 || config.Text.Width%config.Text.Heads != 0 || config.Dimension() < 1 {
			t.Errorf("accepted %+v", config)
		}
	})
}
