package encoder_test

import (
	"image"
	"os"
	"path/filepath"
	"testing"

	"polylens/encoder"
	"polylens/encoder/siglip2"
)

// flopsOf are those of a picture of 30 x 20 pixels.
func flopsOf(t *testing.T, e *encoder.Encoder) int64 {
	t.Helper()
	return e.VisionFLOPs(must(e.Preprocess(image.NewGray(image.Rect(0, 0, 30, 20)))))
}

// immichDir rearranges an export as Immich does.
func immichDir(t *testing.T, export string) string {
	t.Helper()
	out := t.TempDir()
	for to, from := range map[string]string{
		"visual/model.onnx": "onnx/vision_model.onnx", "visual/weights.safetensors": "onnx/weights.safetensors",
		"textual/model.onnx": "onnx/text_model.onnx", "textual/weights.safetensors": "onnx/weights.safetensors",
		"textual/tokenizer.json": "tokenizer.json", "textual/tokenizer_config.json": "tokenizer_config.json",
	} {
		content := must(os.ReadFile(filepath.Join(export, filepath.FromSlash(from))))
		write(t, filepath.Join(out, filepath.Dir(to)), filepath.Base(to), string(content))
	}
	write(t, out, "config.json", `{"embed_dim":32,"vision_cfg":{"image_size":58},"text_cfg":{"context_length":16}}`)
	write(t, filepath.Join(out, "visual"), "preprocess_cfg.json", `{"size":[58,58],"mode":"RGB","mean":[0.5,0.5,0.5],`+
		`"std":[0.5,0.5,0.5],"interpolation":"bicubic","resize_mode":"squash","fill_color":0}`)
	return out
}

func TestVisionFLOPs(t *testing.T) {
	dir := modelDir(t)
	config := must(siglip2.ReadConfig(dir))
	want := config.VisionFLOPs(config.Vision.Patches())
	export := exportDir(t, dir)
	for name, tt := range map[string]struct {
		dir  string
		want int64
	}{
		"checkpoint": {dir, want}, "export": {export, want}, "Immich's layout": {immichDir(t, export), 0},
	} {
		if got := flopsOf(t, open(t, tt.dir)); got != tt.want || want == 0 {
			t.Errorf("%s: %d operations, want %d", name, got, tt.want)
		}
	}
}

func TestVisionFLOPsOfNaFlex(t *testing.T) {
	dir := naflexDir(t)
	e := open(t, dir)
	picture := must(e.Preprocess(image.NewGray(image.Rect(0, 0, 30, 20))))
	config := must(siglip2.ReadConfig(dir))
	if got, want := e.VisionFLOPs(picture), config.VisionFLOPs(int64(picture.Rows*picture.Columns)); got != want {
		t.Errorf("%d operations for %d x %d patches, want %d", got, picture.Rows, picture.Columns, want)
	}
}
