package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"polylens/encoder/graph"
	"polylens/encoder/safetensors"
	"polylens/encoder/siglip2"
)

// ruinedExport is an ONNX export of the bundled model whose quantized files have
// other weights than the exact ones.
func ruinedExport(t *testing.T) string {
	t.Helper()
	const source = "../encoder/hub/polylens-mini"
	dir := t.TempDir()
	for _, name := range []string{"config.json", "tokenizer.json", "tokenizer_config.json", "preprocessor_config.json"} {
		copyFile(t, filepath.Join(source, name), filepath.Join(dir, name))
	}
	exact, err := safetensors.Open(source)
	if err != nil {
		t.Fatal(err)
	}
	writeExport(t, dir, "", exact, func(string, []float32) {})
	writeExport(t, dir, "_quantized", exact, func(name string, values []float32) {
		if strings.HasSuffix(name, "mlp.fc1.weight") {
			slices.Reverse(values)
		}
	})
	return dir
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, to, string(content))
}

// writeExport writes both towers with weights that were changed, below onnx.
func writeExport(t *testing.T, dir, suffix string, source *safetensors.Index, change func(name string, values []float32)) {
	t.Helper()
	var weights []safetensors.Weights
	for _, name := range source.Names() {
		tensor, _ := source.Tensor(name)
		values, err := source.Floats(name)
		if err != nil {
			t.Fatal(err)
		}
		change(name, values)
		weights = append(weights, safetensors.Weights{Name: name, Shape: tensor.Shape, Values: values})
	}
	path := filepath.Join(dir, "onnx", "weights"+suffix+".safetensors")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := safetensors.WriteFile(path, weights); err != nil {
		t.Fatal(err)
	}
	config, err := siglip2.ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, build := range map[string]func(siglip2.Config, siglip2.Parameters, siglip2.Options) (*graph.Graph, error){
		"text_model": siglip2.BuildText, "vision_model": siglip2.BuildVision,
	} {
		index, err := safetensors.OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		built, err := build(config, siglip2.Stored(index), siglip2.Options{Portable: true})
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, "onnx", name+suffix+".onnx"), string(built.Encode()))
	}
}

// TestGateOfExport: the files that are named are compared with the exact ones,
// and the verdict is the one that opening them asks for.
func TestGateOfExport(t *testing.T) {
	f, dir := gateFolders(t), ruinedExport(t)
	named := []string{"--model", dir, "--onnx-files", "_quantized"}
	gate := append([]string{"model", "gate"}, named...)
	if got := f.run(t, gate...); got.code != exitFailure || !strings.Contains(got.stdout, "int8 did not pass") {
		t.Errorf("the gate ends with %d: %s%s", got.code, got.stdout, got.stderr)
	}
	f.fail(t, exitFailure, []string{"int8 did not pass"}, append([]string{"embed", "--precision", "int8", "--text", "a fish"}, named...)...)
	verdicts, err := filepath.Glob(filepath.Join(strings.TrimPrefix(f.env[0], "POLYLENS_CACHE="), "gate", "*"))
	if err != nil || len(verdicts) != 1 {
		t.Errorf("there are the verdicts %v: %v", verdicts, err)
	}
	if err := os.Rename(filepath.Join(dir, "onnx", "text_model.onnx"), filepath.Join(dir, "onnx", "text_model_fp16.onnx")); err != nil {
		t.Fatal(err)
	}
	f.fail(t, exitFailure, []string{"no fp32 files"}, gate...)
}
