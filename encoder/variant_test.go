package encoder_test

import (
	"encoding/json"
	"image"
	"os"
	"path/filepath"
	"testing"

	"polylens/encoder"
	"polylens/encoder/gate"
	"polylens/encoder/hub"
	"polylens/encoder/internal/formula"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
	"polylens/internal/needs"
)

const naflexConfig = `{"model_type":"siglip2",
	"text_config":{"hidden_size":32,"intermediate_size":48,"num_hidden_layers":1,"num_attention_heads":4,"vocab_size":512},
	"vision_config":{"hidden_size":32,"intermediate_size":48,"num_hidden_layers":2,"num_attention_heads":4,"num_patches":16,"patch_size":4}}`

const naflexProcessor = `{"image_processor_type":"Siglip2ImageProcessor","resample":2,"patch_size":4,"max_num_patches":256}`

// naflexDir writes a small NaFlex model into a folder.
func naflexDir(t testing.TB) string {
	t.Helper()
	dir := modelDir(t)
	write(t, dir, "preprocessor_config.json", naflexProcessor)
	if err := formula.WriteCheckpoint(dir, []byte(naflexConfig)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t testing.TB, dir, name, content string) {
	t.Helper()
	path := filepath.Join(dir, name)
	_ = os.Remove(path) // it may have been copied read-only
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestNaFlexViews: views share texts and differ in pictures.
func TestNaFlexViews(t *testing.T) {
	e := open(t, naflexDir(t))
	coarse := must(e.WithMaxPatches(64))
	if e.MaxPatches() != 256 || coarse.MaxPatches() != 64 || e.ImageSize() != 0 {
		t.Errorf("at most %d and %d patches, size %d", e.MaxPatches(), coarse.MaxPatches(), e.ImageSize())
	}
	if same := must(coarse.WithMaxPatches(256)); same.Fingerprint() != e.Fingerprint() || coarse.Fingerprint() == e.Fingerprint() {
		t.Errorf("fingerprints %s, %s, %s", e.Fingerprint(), coarse.Fingerprint(), same.Fingerprint())
	}
	text := []string{"a cat"}
	expectClose(t, "text", must(coarse.EncodeTexts(t.Context(), text))[0], must(e.EncodeTexts(t.Context(), text))[0])
	picture := []image.Image{formula.Picture("p", 90, 40)}
	fine, rough := must(e.EncodeImages(t.Context(), picture))[0], must(coarse.EncodeImages(t.Context(), picture))[0]
	if cosine(fine, rough) > 0.9999 {
		t.Error("64 and 256 patches give the same vector")
	}
	if err := coarse.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := e.EncodeImages(t.Context(), picture); err != nil {
		t.Errorf("closing a view closes the model: %v", err)
	}
	_, err := e.WithMaxPatches(1025)
	expectError(t, err, "64 to 1024")
	_, err = open(t, modelDir(t)).WithMaxPatches(64)
	expectError(t, err, "NaFlex")
}

func cosine(a, b []float32) float64 {
	var dot float64
	for i := range a {
		dot += float64(a[i]) * float64(b[i])
	}
	return dot
}

func TestDense(t *testing.T) {
	picture := formula.Picture("p", 90, 40)
	for name, dir := range map[string]string{"fixed": modelDir(t), "NaFlex": naflexDir(t)} {
		e := open(t, dir)
		dense := must(e.EncodeDense(t.Context(), picture))
		expectClose(t, name, dense.Embedding, must(e.EncodeImages(t.Context(), []image.Image{picture}))[0])
		if len(dense.States) != dense.Rows*dense.Columns*dense.Width || dense.Width != e.Dimension() {
			t.Errorf("%s: %d numbers for %d x %d patches of %d", name, len(dense.States), dense.Rows, dense.Columns, dense.Width)
		}
		if name == "NaFlex" && dense.Columns <= dense.Rows {
			t.Errorf("a wide picture has %d x %d patches", dense.Rows, dense.Columns)
		}
	}
}

// openIn opens a model in a precision, with a cache folder of its own.
func openIn(t testing.TB, dir, precision, cache string) (*encoder.Encoder, error) {
	t.Helper()
	e, err := encoder.Open(t.Context(), dir, encoder.Options{Library: needs.ONNXRuntime(t), Threads: 1, Precision: precision, Cache: cache})
	if err == nil {
		t.Cleanup(func() { e.Close() })
	}
	return e, err
}

// TestPrecisions: fewer bits give other fingerprints and nearly the same
// vectors, for the model that the program carries.
func TestPrecisions(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir, cache := must(hub.Bundled(t.TempDir())), t.TempDir()
	exact := must(openIn(t, dir, encoder.FP32, cache))
	texts, pictures := []string{"red apple", "кошка", "飛行機"}, []image.Image{formula.Picture("a", 72, 72), formula.Picture("b", 300, 100)}
	for precision, least := range map[string]float64{encoder.FP16: 0.99999, encoder.INT8: 0.99} {
		e := must(openIn(t, dir, precision, cache))
		if e.Fingerprint() == exact.Fingerprint() || e.Precision() != precision {
			t.Errorf("%s: fingerprint %s, precision %s", precision, e.Fingerprint(), e.Precision())
		}
		for i, vector := range must(e.EncodeTexts(t.Context(), texts)) {
			if got := cosine(vector, must(exact.EncodeTexts(t.Context(), texts))[i]); got < least {
				t.Errorf("%s: text %q has cosine %v", precision, texts[i], got)
			}
		}
		for i, vector := range must(e.EncodeImages(t.Context(), pictures)) {
			if got := cosine(vector, must(exact.EncodeImages(t.Context(), pictures))[i]); got < least {
				t.Errorf("%s: picture %d has cosine %v", precision, i, got)
			}
		}
	}
}

// TestGateRefuses: a model that is known to be bad in int8 is not opened so.
func TestGateRefuses(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir, cache := must(hub.Bundled(t.TempDir())), t.TempDir()
	must(openIn(t, dir, encoder.INT8, cache))
	verdicts := must(filepath.Glob(filepath.Join(cache, "gate", "*.json")))
	if len(verdicts) != 1 {
		t.Fatalf("the first opening leaves the verdicts %v", verdicts)
	}
	var verdict gate.Verdict
	if err := json.Unmarshal(must(os.ReadFile(verdicts[0])), &verdict); err != nil {
		t.Fatal(err)
	}
	verdict.Texts.Worst = 0.5
	if err := os.WriteFile(verdicts[0], must(json.Marshal(verdict)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := openIn(t, dir, encoder.INT8, cache)
	expectError(t, err, "use --precision fp32")
}

// exportDir makes an ONNX export of the model in dir: its graphs, with the
// weights beside them.
func exportDir(t testing.TB, dir string) string {
	t.Helper()
	out := t.TempDir()
	onnx := filepath.Join(out, "onnx")
	content := must(os.ReadFile(filepath.Join(dir, safetensors.SingleFile)))
	write(t, onnx, "weights.safetensors", string(content))
	config, index := must(siglip2.ReadConfig(dir)), must(safetensors.OpenFile(filepath.Join(onnx, "weights.safetensors")))
	options := siglip2.Options{Portable: true, Outputs: []string{siglip2.LastHiddenState}}
	write(t, onnx, "text_model.onnx", string(must(siglip2.BuildText(config, siglip2.Stored(index), siglip2.Options{Portable: true})).Encode()))
	write(t, onnx, "vision_model.onnx", string(must(siglip2.BuildVision(config, siglip2.Stored(index), options)).Encode()))
	for _, name := range []string{"config.json", "tokenizer.json", "tokenizer_config.json", "preprocessor_config.json"} {
		write(t, out, name, string(must(os.ReadFile(filepath.Join(dir, name)))))
	}
	return out
}

// TestExport opens ONNX files and compares with the checkpoint that they were
// made from.
func TestExport(t *testing.T) {
	dir := modelDir(t)
	want := readWhole(t)
	e := open(t, exportDir(t, dir))
	for i, vector := range must(e.EncodeTexts(t.Context(), want.Texts)) {
		expectClose(t, want.Texts[i], vector, want.TextVectors[i])
	}
	for i, vector := range must(e.EncodeImages(t.Context(), want.images())) {
		expectClose(t, "picture", vector, want.PictureVectors[i])
	}
	if e.Fingerprint() == open(t, dir).Fingerprint() {
		t.Error("an export has the fingerprint of its checkpoint")
	}
	_, err := openIn(t, exportDir(t, dir), encoder.INT8, t.TempDir())
	expectError(t, err, "_uint8")
}

// TestAdapter: a LoRA adapter computes what a checkpoint with merged weights
// computes, also in int8 when its base is named.
func TestAdapter(t *testing.T) {
	base, adapted, merged := modelDir(t), t.TempDir(), modelDir(t)
	const layer = "vision_model.encoder.layers.0.mlp.fc1"
	config := must(siglip2.ReadConfig(base))
	weights := formula.Weights(config)
	width, hidden := config.Vision.Width, config.Vision.MLP
	a, b := formula.Uniform("a", int(width), 0, 1), formula.Uniform("b", int(hidden), 0, 1)
	for i := range weights {
		if weights[i].Name == layer+".weight" {
			for row := range hidden {
				for column := range width {
					weights[i].Values[row*width+column] += 2 * b[row] * a[column]
				}
			}
		}
	}
	if err := safetensors.WriteFile(filepath.Join(merged, safetensors.SingleFile), weights); err != nil {
		t.Fatal(err)
	}
	prefix := "base_model.model." + layer
	err := safetensors.WriteFile(filepath.Join(adapted, "adapter_model.safetensors"), []safetensors.Weights{
		{Name: prefix + ".lora_A.weight", Shape: []int64{1, width}, Values: a},
		{Name: prefix + ".lora_B.weight", Shape: []int64{hidden, 1}, Values: b},
	})
	if err != nil {
		t.Fatal(err)
	}
	write(t, adapted, "adapter_config.json",
		`{"peft_type":"LORA","r":1,"lora_alpha":2,"target_modules":["fc1"],"base_model_name_or_path":`+string(must(json.Marshal(base)))+`}`)
	e := must(openIn(t, adapted, encoder.FP32, t.TempDir()))
	pictures := readWhole(t).images()
	want := must(open(t, merged).EncodeImages(t.Context(), pictures))
	for i, vector := range must(e.EncodeImages(t.Context(), pictures)) {
		expectClose(t, "picture", vector, want[i])
	}
	if plain := must(open(t, base).EncodeImages(t.Context(), pictures)); cosine(plain[0], want[0]) > 0.9999 {
		t.Error("the adapter changes nothing: the test shows nothing")
	}
	if e.Fingerprint() == open(t, base).Fingerprint() || e.PictureFingerprint() == open(t, base).PictureFingerprint() {
		t.Error("the adapter has the fingerprint of its base")
	}
	if got, want := flopsOf(t, e), flopsOf(t, open(t, base)); got != want {
		t.Errorf("the adapter takes %d operations for a picture, its base %d", got, want)
	}
}

// TestThreadsAreMeasuredOnce: the first opening leaves its answer in the cache
// folder, the next one takes it.
func TestThreadsAreMeasuredOnce(t *testing.T) {
	for name, dir := range map[string]string{"fixed": modelDir(t), "NaFlex": naflexDir(t)} {
		options := encoder.Options{Library: needs.ONNXRuntime(t), Cache: t.TempDir()}
		first := must(encoder.Open(t.Context(), dir, options))
		defer first.Close()
		answers := must(filepath.Glob(filepath.Join(options.Cache, "tuning", "*.json")))
		if len(answers) != 1 {
			t.Fatalf("%s: the first opening leaves %v", name, answers)
		}
		before := must(os.Stat(answers[0]))
		second := must(encoder.Open(t.Context(), dir, options))
		defer second.Close()
		if after := must(os.Stat(answers[0])); !os.SameFile(before, after) {
			t.Errorf("%s: measured again", name)
		}
	}
}
