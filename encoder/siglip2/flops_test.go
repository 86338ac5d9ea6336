package siglip2_test

import (
	"math"
	"testing"

	"polylens/encoder/siglip2"
)

// TestFLOPs compares with the published counts: the multiply-adds that timm
// measures for the picture towers, and open_clip's profile for the text towers.
func TestFLOPs(t *testing.T) {
	const (
		large  = `"hidden_size":1024,"intermediate_size":4096,"num_hidden_layers":24,"num_attention_heads":16`
		so400m = `"hidden_size":1152,"intermediate_size":4304,"num_hidden_layers":27,"num_attention_heads":16`
		giant  = `"hidden_size":1536,"intermediate_size":6144,"num_hidden_layers":40,"num_attention_heads":16`
	)
	tests := []struct {
		name         string
		text, vision string
		billions     flops
	}{
		{"B/32-256", ``, `"patch_size":32,"image_size":256`, flops{11.0, 11.5}},
		{"B/16-224", ``, ``, flops{11.0, 35.5}},
		{"B/16-256", ``, `"image_size":256`, flops{11.0, 46.9}},
		{"B/16-512", ``, `"image_size":512`, flops{11.0, 216}},
		{"L/16-256", large, large + `,"image_size":256`, flops{39.1, 163}},
		{"L/16-512", large, large + `,"image_size":512`, flops{39.1, 728}},
		{"So400m/16-256", so400m, so400m + `,"image_size":256`, flops{53.1, 221}},
		{"So400m/14-384", so400m, so400m + `,"patch_size":14,"image_size":384`, flops{53.1, 671}},
		{"g-opt/16-256", so400m + `,"projection_size":1536`, giant + `,"image_size":256`, flops{53.1, 599}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			config, err := siglip2.ParseConfig([]byte(`{"model_type":"siglip","text_config":{` + test.text + `},"vision_config":{` + test.vision + `}}`))
			if err != nil {
				t.Fatal(err)
			}
			near(t, "vision", config.VisionFLOPs(config.Vision.Patches()), test.billions.vision)
			near(t, "text", config.TextFLOPs(), test.billions.text)
		})
	}
}

type flops struct{ text, vision float64 }

// near allows for the rounding of the published numbers and for what they count
// beside matrix products.
func near(t *testing.T, tower string, got int64, billions float64) {
	t.Helper()
	if off := float64(got)/1e9/billions - 1; math.Abs(off) > 0.008 {
		t.Errorf("%s: %.2f GFLOP, published are %v: %+.2f %%", tower, float64(got)/1e9, billions, 100*off)
	}
}
