package onnxfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"polylens/encoder/graph"
)

func TestFindHub(t *testing.T) {
	dir := filepath.Join("testdata", "hub")
	pair, err := Find(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	image, text := pair.Image, pair.Text
	if image.Path != filepath.Join(dir, "onnx", "vision_model.onnx") || text.Path != filepath.Join(dir, "onnx", "text_model.onnx") {
		t.Errorf("found %s and %s", image.Path, text.Path)
	}
	if image.Embedding.Name != "pooler_output" || text.Embedding.Name != "pooler_output" || image.Hidden.Name != "last_hidden_state" {
		t.Errorf("outputs %v, %v, %v", image.Embedding, text.Embedding, image.Hidden)
	}
	if image.Pixels.Name != "pixel_values" || text.Tokens.Name != "input_ids" || text.Tokens.DType != graph.Int64 || text.Mask != nil {
		t.Errorf("inputs %v, %v, %v", image.Pixels, text.Tokens, text.Mask)
	}
	if image.Dimension != 8 || image.Batch != 0 || image.ImageSize != 0 || text.Length != 0 || image.NaFlex() || image.Combined() {
		t.Errorf("image %+v, text %+v", image, text)
	}
	if want := []string{"_fp16", "_quantized", "_q4"}; !slices.Equal(pair.Others, want) || pair.Suffix != "" {
		t.Errorf("suffix %q, others %q", pair.Suffix, pair.Others)
	}
}

func TestFindCombined(t *testing.T) {
	pair, err := Find(filepath.Join("testdata", "hub"), "_q4")
	if err != nil {
		t.Fatal(err)
	}
	image, text := pair.Image, pair.Text
	if image.Path != text.Path || image.Embedding.Name != "image_embeds" || text.Embedding.Name != "text_embeds" {
		t.Errorf("found %+v and %+v", image, text)
	}
	if !image.Combined() || len(image.Others) != 1 || image.Others[0].Name != "input_ids" || text.Others[0].Name != "pixel_values" {
		t.Errorf("others %v and %v", image.Others, text.Others)
	}
	if image.ImageSize != 8 || text.Length != 8 || !slices.Equal(pair.Others, []string{"", "_fp16", "_quantized"}) {
		t.Errorf("size %d, length %d, others %q", image.ImageSize, text.Length, pair.Others)
	}
}

func TestFindNaFlex(t *testing.T) {
	pair, err := Find(filepath.Join("testdata", "naflex"), "")
	if err != nil {
		t.Fatal(err)
	}
	image := pair.Image
	if !image.NaFlex() || image.Mask.Name != "pixel_attention_mask" || image.Grid.DType != graph.Int32 || image.Embedding.Name != "image_embeds" {
		t.Errorf("found %+v", image)
	}
	if image.Batch != 1 || image.Length != 12 || image.ImageSize != 0 || pair.Text.Length != 8 || pair.Text.Batch != 0 {
		t.Errorf("batch %d, patches %d, tokens %d", image.Batch, image.Length, pair.Text.Length)
	}
	if _, err := image.Open(Options{}); err != nil {
		t.Error(err)
	}
}

func TestFindImmich(t *testing.T) {
	pair, err := Find(filepath.Join("testdata", "immich"), "")
	if err != nil {
		t.Fatal(err)
	}
	image, text := pair.Image, pair.Text
	if image.Pixels.Name != "image" || image.Batch != 1 || image.ImageSize != 8 || image.Embedding.Name != "embedding" {
		t.Errorf("image %+v", image)
	}
	if text.Tokens.Name != "text" || text.Tokens.DType != graph.Int32 || text.Batch != 1 || text.Length != 8 {
		t.Errorf("text %+v", text)
	}
}

// link puts published files into a directory under other names.
func link(t *testing.T, names map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, from := range names {
		content, err := os.ReadFile(filepath.Join("testdata", from))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, name), content)
	}
	return dir
}

const (
	vision  = "hub/onnx/vision_model.onnx"
	textual = "hub/onnx/text_model.onnx"
	both    = "hub/onnx/model_q4.onnx"
)

func TestFindOtherLayouts(t *testing.T) {
	tests := []struct {
		name, suffix string
		files        map[string]string
		image, text  string // expected
	}{
		{"top level", "", map[string]string{"vision_model.onnx": vision, "text_model.onnx": textual}, "vision_model.onnx", "text_model.onnx"},
		{"names that lie", "", map[string]string{"onnx/text_model.onnx": vision, "onnx/vision_model.onnx": textual}, "onnx/text_model.onnx", "onnx/vision_model.onnx"},
		{"one precision", "", map[string]string{"onnx/vision_model_int8.onnx": vision, "onnx/text_model_int8.onnx": textual}, "onnx/vision_model_int8.onnx", "onnx/text_model_int8.onnx"},
		{"two precisions", "", map[string]string{"v_bnb4.onnx": vision, "t_bnb4.onnx": textual, "v_fp16.onnx": vision, "t_fp16.onnx": textual}, "v_fp16.onnx", "t_fp16.onnx"},
		{"asked for", "_q4f16", map[string]string{"v.onnx": vision, "t.onnx": textual, "v_q4f16.onnx": vision, "t_q4f16.onnx": textual}, "v_q4f16.onnx", "t_q4f16.onnx"},
		{"half and both", "", map[string]string{"onnx/vision_model.onnx": vision, "onnx/model.onnx": both}, "onnx/model.onnx", "onnx/model.onnx"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := link(t, test.files)
			pair, err := Find(dir, test.suffix)
			if err != nil {
				t.Fatal(err)
			}
			image, text := filepath.Join(dir, filepath.FromSlash(test.image)), filepath.Join(dir, filepath.FromSlash(test.text))
			if pair.Image.Path != image || pair.Text.Path != text {
				t.Errorf("found %s and %s", pair.Image.Path, pair.Text.Path)
			}
		})
	}
}

func TestFindRefuses(t *testing.T) {
	tests := []struct {
		name, suffix string
		files        map[string]string
		want         []string
	}{
		{"nothing", "", nil, []string{"does not hold an image tower and a text tower", "there is no .onnx file"}},
		{"one tower", "", map[string]string{"onnx/vision_model.onnx": vision}, []string{"does not hold", "onnx/vision_model.onnx (image)"}},
		{"two towers of different precision", "", map[string]string{"v_fp16.onnx": vision, "t.onnx": textual}, []string{"does not hold", "v_fp16.onnx (image)", "t.onnx (text)"}},
		{"twice", "", map[string]string{"vision_model.onnx": vision, "onnx/vision_model.onnx": vision, "text_model.onnx": textual}, []string{"ambiguous", "onnx/vision_model.onnx", "vision_model.onnx"}},
		{"suffix that is not there", "_q4", map[string]string{"v.onnx": vision, "t.onnx": textual}, []string{`with the suffix "_q4"`, "v.onnx (image)"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Find(link(t, test.files), test.suffix)
			var problem *LayoutError
			if !errors.As(err, &problem) {
				t.Fatalf("error is %v, want a LayoutError", err)
			}
			expectParts(t, err, test.want...)
		})
	}
	if _, err := Find(t.TempDir(), "_q3"); err == nil || !strings.Contains(err.Error(), "_bnb4") {
		t.Errorf("error %v does not list the suffixes", err)
	}
	if _, err := Find(filepath.Join(t.TempDir(), "none"), ""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error is %v", err)
	}
}

// TestFindBroken: a broken fp32 file is told, not passed over for another precision.
func TestFindBroken(t *testing.T) {
	dir := link(t, map[string]string{"v.onnx": vision, "t.onnx": textual, "v_fp16.onnx": vision, "t_fp16.onnx": textual})
	writeFile(t, filepath.Join(dir, "v.onnx"), []byte("version https://git-lfs"))
	_, err := Find(dir, "")
	expectFileError(t, err, "cannot be read, v.onnx", "v.onnx, which is no ONNX model or cut short", "t.onnx (text)")
	if err := os.Remove(filepath.Join(dir, "v.onnx")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "v_fp16.onnx"), filepath.Join(dir, "v.onnx")); err != nil {
		t.Fatal(err)
	}
	_, err = Find(dir, "")
	expectFileError(t, err, "symbolic link")
}

// TestTowerOpenChanged: the file must still be what Find saw.
func TestTowerOpenChanged(t *testing.T) {
	dir := link(t, map[string]string{"v.onnx": vision, "t.onnx": textual})
	pair, err := Find(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pair.Image.Open(Options{}); err != nil {
		t.Error(err)
	}
	content, _ := os.ReadFile(pair.Text.Path)
	writeFile(t, pair.Image.Path, content)
	_, err = pair.Image.Open(Options{})
	expectFileError(t, err, "was exchanged")
}

func expectParts(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}

func TestRecognise(t *testing.T) {
	float := func(name string, dims ...int64) Port { return Port{name, graph.Float32, fixed(dims)} }
	integer := func(name string, dims ...int64) Port { return Port{name, graph.Int64, fixed(dims)} }
	pixels, ids := float("pixel_values", -1, 3, 32, 32), integer("input_ids", -1, 64)
	mask, grid := integer("pixel_attention_mask", -1, 256), integer("spatial_shapes", -1, 2)
	patches := float("pixel_values", -1, 256, 768)
	hidden, pooled := float("last_hidden_state", -1, 4, 8), float("pooler_output", -1, 8)
	tests := []struct {
		name            string
		inputs, outputs []Port
		want            string // the embedding of each tower, or the problem
	}{
		{"hidden state first", []Port{pixels}, []Port{hidden, pooled}, "image pooler_output"},
		{"unknown name of the only output", []Port{pixels}, []Port{float("1234", -1, 8)}, "image 1234"},
		{"unknown name of the only input", []Port{float("input.1", -1, 3, 8, 8)}, []Port{pooled}, "image pooler_output"},
		{"tokens of unknown name", []Port{integer("input.1", -1, 64)}, []Port{pooled}, "text pooler_output"},
		{"attention mask", []Port{ids, integer("attention_mask", -1, 64)}, []Port{pooled}, "text pooler_output"},
		{"patch mask of a short name", []Port{patches, integer("attention_mask", -1, 256), grid}, []Port{pooled}, "image pooler_output"},
		{"NaFlex of both", []Port{ids, patches, mask, grid}, []Port{float("text_embeds", -1, 8), float("image_embeds", -1, 8)}, "image image_embeds, text text_embeds"},
		{"hidden state only", []Port{pixels}, []Port{hidden}, "does not tell which output is the image embedding: it has last_hidden_state float32[?, 4, 8]"},
		{"two outputs", []Port{pixels}, []Port{float("a", -1, 8), float("b", -1, 8)}, "does not tell which"},
		{"logits only", []Port{ids, pixels}, []Port{float("logits_per_image", -1, -1)}, "does not tell which"},
		{"pooled output of both", []Port{ids, pixels}, []Port{pooled}, "does not tell which"},
		{"half of NaFlex", []Port{patches, grid}, []Port{pooled}, "only some of the three inputs of a NaFlex tower"},
		{"another input", []Port{ids, integer("token_type_ids", -1, 64)}, []Port{pooled}, "token_type_ids int64[?, 64], which SigLIP does not have"},
		{"tokens twice", []Port{ids, integer("text", -1, 64)}, []Port{pooled}, "takes its tokens twice"},
		{"tokens of the wrong type", []Port{float("input_ids", -1, 64)}, []Port{pooled}, "which is not what SigLIP takes"},
		{"patches without a grid", []Port{patches}, []Port{pooled}, "which is not what SigLIP takes"},
		{"oblong", []Port{float("image", 1, 3, 32, 64)}, []Port{pooled}, "32 by 64 pixels"},
		{"grey", []Port{float("image", 1, 1, 32, 32)}, []Port{pooled}, "1 colours"},
		{"nothing", nil, []Port{pooled}, "neither pictures nor texts, but none"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			towers, err := recognise("f", test.inputs, test.outputs)
			if err != nil {
				expectParts(t, err, test.want)
				return
			}
			var got []string
			for _, tower := range towers {
				got = append(got, string(tower.Role)+" "+tower.Embedding.Name)
			}
			if strings.Join(got, ", ") != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func fixed(sizes []int64) []Dim {
	dims := []Dim{}
	for _, size := range sizes {
		dims = append(dims, Dim{Size: size})
	}
	return dims
}

// FuzzFind: whatever two files hold, Find neither panics nor returns a tower
// without input or embedding.
func FuzzFind(f *testing.F) {
	for _, pair := range [][2]string{{vision, textual}, {both, vision}, {"immich/visual/model.onnx", "immich/textual/model.onnx"}} {
		first, _ := os.ReadFile(filepath.Join("testdata", pair[0]))
		second, _ := os.ReadFile(filepath.Join("testdata", pair[1]))
		f.Add(first, second)
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "onnx", "a.onnx"), first)
		writeFile(t, filepath.Join(dir, "b.onnx"), second)
		pair, err := Find(dir, "")
		if err != nil {
			return
		}
		if pair.Image.Pixels == nil || pair.Text.Tokens == nil || pair.Image.Embedding.Name == "" || pair.Text.Embedding.Name == "" {
			t.Errorf("found %+v", pair)
		}
	})
}
