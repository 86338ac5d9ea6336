package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"polylens/encoder/hub"
	"polylens/internal/needs"
)

// TestBadModels breaks a copy of the bundled model in many ways: each is one
// clear line, and nothing crashes.
func TestBadModels(t *testing.T) {
	needs.ONNXRuntime(t)
	for name, test := range map[string]struct {
		damage func(t *testing.T, dir string)
		words  []string
	}{
		"truncated weights": {func(t *testing.T, dir string) {
			cut(t, filepath.Join(dir, "model.safetensors"), 1000)
		}, []string{"model.safetensors"}},
		"empty weights": {func(t *testing.T, dir string) {
			writeFile(t, filepath.Join(dir, "model.safetensors"), "")
		}, []string{"model.safetensors"}},
		"no weights": {func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, "model.safetensors"))
		}, []string{"model.safetensors"}},
		"offset outside the file": {func(t *testing.T, dir string) {
			editHeader(t, dir, func(tensor map[string]any) {
				offsets := tensor["data_offsets"].([]any)
				tensor["data_offsets"] = []any{offsets[0].(float64) + 1e12, offsets[1].(float64) + 1e12}
			})
		}, []string{"model.safetensors"}},
		"wrong shape": {func(t *testing.T, dir string) {
			editHeader(t, dir, func(tensor map[string]any) {
				shape := tensor["shape"].([]any)
				shape[0], shape[1] = shape[1], shape[0]
			})
		}, []string{"model"}},
		"wrong dimension": {func(t *testing.T, dir string) {
			editConfig(t, dir, "hidden_size", 96.0)
		}, []string{"model"}},
		"config is no JSON": {func(t *testing.T, dir string) {
			writeFile(t, filepath.Join(dir, "config.json"), "{")
		}, []string{"config.json"}},
		"another architecture": {func(t *testing.T, dir string) {
			editConfig(t, dir, "model_type", "clip")
		}, []string{"config.json"}},
		"broken tokenizer": {func(t *testing.T, dir string) {
			cut(t, filepath.Join(dir, "tokenizer.json"), 5000)
		}, []string{"tokenizer.json"}},
		"no preprocessing": {func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, "preprocessor_config.json"))
		}, []string{"preprocessor_config.json"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolders(t)
			dir := copyModel(t)
			test.damage(t, dir)
			f.fail(t, exitFailure, test.words, "embed", "--model", dir, "--text", "a fish", "--image", drawPicture(t, t.TempDir(), "p.png", 1))
		})
	}
}

func TestUnknownModel(t *testing.T) {
	needs.ONNXRuntime(t)
	f := newFolders(t)
	f.fail(t, exitNotFound, []string{"no-such-model", "model list"}, "embed", "--model", "no-such-model", "--text", "a fish")
	f.fail(t, exitNotFound, []string{"no-such-model", "model list"}, "tokenize", "--model", "no-such-model")
	f.fail(t, exitNotFound, []string{"config.json"}, "tokenize", "--model", t.TempDir())
}

func TestBadRuntime(t *testing.T) {
	f := newFolders(t)
	library := filepath.Join(t.TempDir(), "libonnxruntime.so")
	writeFile(t, library, "not a library")
	f.fail(t, exitFailure, []string{library, "--onnxruntime"}, "embed", "--onnxruntime", library, "--text", "a fish")
}

// TestMilvusDown names an address where nothing answers.
func TestMilvusDown(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	f := newFolders(t)
	const nobody = "127.0.0.1:1"
	pictures := t.TempDir()
	drawFolder(t, pictures, 1, 1)
	f.fail(t, exitUnavailable, []string{"Milvus", nobody}, "search", "a fish", "--collection", "c", "--milvus", nobody)
	f.fail(t, exitUnavailable, []string{"Milvus", nobody}, "index", pictures, "--collection", "c", "--milvus", nobody)
	got := f.run(t, "serve", "--addr", "127.0.0.1:0", "--milvus", nobody)
	got.stdout = "" // the page was up briefly
	checkFailure(t, got, exitUnavailable, []string{"Milvus", nobody}, []string{"serve"})
	f.fail(t, exitFailure, []string{"milvus given as /no/such/folder"}, "search", "a fish", "--collection", "c", "--milvus", "/no/such/folder")
}

// copyModel copies the bundled model.
func copyModel(t testing.TB) string {
	t.Helper()
	bundled, err := hub.Bundled(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return bundled
}

// editHeader changes the entry of one two-dimensional tensor of the image
// tower in the header of the weights, which keep their place.
func editHeader(t testing.TB, dir string, edit func(tensor map[string]any)) {
	t.Helper()
	path := filepath.Join(dir, "model.safetensors")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	end := 8 + binary.LittleEndian.Uint64(data)
	var header map[string]map[string]any
	if err := json.Unmarshal(data[8:end], &header); err != nil {
		t.Fatal(err)
	}
	const name = "vision_model.encoder.layers.0.mlp.fc1.weight"
	if header[name] == nil {
		t.Fatalf("no tensor %s", name)
	}
	edit(header[name])
	text, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	for len(text)%8 != 0 {
		text = append(text, ' ')
	}
	changed := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	writeFile(t, path, string(bytes.Join([][]byte{changed, text, data[end:]}, nil)))
}

// editConfig sets a key of the config and of both its towers.
func editConfig(t testing.TB, dir, key string, value any) {
	t.Helper()
	path := filepath.Join(dir, "config.json")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(data, &config); err != nil {
		t.Fatal(err)
	}
	config[key] = value
	for _, tower := range []string{"text_config", "vision_config"} {
		if inner, ok := config[tower].(map[string]any); ok && inner[key] != nil {
			inner[key] = value
		}
	}
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, string(text))
}

func cut(t testing.TB, path string, bytes int64) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, max(0, info.Size()-bytes)); err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// TestOtherModel indexes with one model and searches with another: the vectors
// must not be compared.
func TestOtherModel(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	f := newFolders(t)
	pictures := t.TempDir()
	drawFolder(t, pictures, 1, 3)
	f.index(t, pictures)
	other := copyModel(t)
	changeWeight(t, other)
	f.fail(t, exitFailure, []string{"model", "index it again"}, "search", "picture", "--collection", "c", "--model", other)
	again := objects[indexOutcome](t, f.succeed(t, "index", pictures, "--collection", "c", "--model", other, "--json"))
	if again[0].Progress.Indexed != 3 {
		t.Errorf("indexed again with another model: %+v", again)
	}
	text := f.succeed(t, "search", "picture", "--collection", "c", "--model", other)
	if strings.Count(text, "\n") != 3 {
		t.Errorf("search with the other model: %q", text)
	}
	// The vectors of the first model are kept, so it finds the pictures again.
	if text := f.succeed(t, "search", "picture", "--collection", "c"); strings.Count(text, "\n") != 3 {
		t.Errorf("search with the first model again: %q", text)
	}
}

// changeWeight makes another model of a copy: same shape, another fingerprint.
func changeWeight(t testing.TB, dir string) {
	t.Helper()
	path := filepath.Join(dir, "model.safetensors")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-2] ^= 1
	writeFile(t, path, string(data))
}
