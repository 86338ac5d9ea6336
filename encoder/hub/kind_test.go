package hub

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// bundledFingerprint is that of the model in this repository: vectors that
// were stored with it are found by it.
const bundledFingerprint = "9aaefc4658f83eb54a739422c7c932458d84ae906caa882064beb61993effc0d"

func TestFingerprintsStay(t *testing.T) {
	store := newStore(t)
	dir, err := store.Find(BundledName)
	if err != nil {
		t.Fatal(err)
	}
	if got := fingerprint(t, dir); got != bundledFingerprint {
		t.Errorf("the fingerprint has become %s: stored vectors are lost", got)
	}
	info, err := store.Describe(BundledName)
	if err != nil || info.Kind != KindSiglip || info.Dimension != 192 || info.ImageSize != 64 || info.Name != BundledName {
		t.Errorf("described as %+v, %v", info, err)
	}
}

func TestFingerprintWithoutTokenizerJSON(t *testing.T) {
	dir := model(t, t.TempDir(), "m")
	before := fingerprint(t, dir)
	write(t, dir, "tokenizer.model", "pieces")
	if fingerprint(t, dir) != before {
		t.Error("pieces beside tokenizer.json count")
	}
	if err := os.Remove(filepath.Join(dir, "tokenizer.json")); err != nil {
		t.Fatal(err)
	}
	before = fingerprint(t, dir)
	write(t, dir, "tokenizer.model", "others")
	if fingerprint(t, dir) == before {
		t.Error("pieces in place of tokenizer.json do not count")
	}
}

// onnx copies one of the models that onnxfile is tested with.
func onnx(t *testing.T, layout string) string {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := filepath.Join(t.TempDir(), layout)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "onnxfile", "testdata", layout))); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestDescribeONNX(t *testing.T) {
	for layout, want := range map[string]Info{
		"hub":    {Dimension: 8, ImageSize: 8, Files: []File{{Name: "config.json"}, {Name: "onnx/text_model.onnx"}, {Name: "onnx/vision_model.onnx"}}},
		"naflex": {Dimension: 8, Patches: 12, Files: []File{{Name: "onnx/text_model.onnx"}, {Name: "onnx/vision_model.onnx"}, {Name: "onnx/vision_model.onnx_data"}}},
		"immich": {Dimension: 8, ImageSize: 8, Files: []File{{Name: "textual/model.onnx"}, {Name: "textual/tokenizer.json"}, {Name: "visual/model.onnx"}}},
	} {
		dir := onnx(t, layout)
		switch layout {
		case "hub":
			write(t, dir, "config.json", config)
			write(t, dir, "onnx/README.md", "words")
		case "immich":
			write(t, dir, "textual/tokenizer.json", "{}")
		}
		info, err := Describe(layout, dir)
		if err != nil {
			t.Errorf("%s: %v", layout, err)
			continue
		}
		var names, wanted []string
		for i := range info.Files {
			names = append(names, info.Files[i].Name)
		}
		for _, file := range want.Files {
			wanted = append(wanted, file.Name)
		}
		if info.Kind != KindONNX || info.Dimension != want.Dimension || info.ImageSize != want.ImageSize || info.Patches != want.Patches {
			t.Errorf("%s is described as %+v", layout, info)
		}
		if strings.Join(names, " ") != strings.Join(wanted, " ") {
			t.Errorf("%s consists of %v, want %v", layout, names, wanted)
		}
		before := fingerprint(t, dir)
		flip(t, filepath.Join(dir, filepath.FromSlash(names[len(names)-1])))
		if fingerprint(t, dir) == before {
			t.Errorf("%s: another %s keeps the fingerprint", layout, names[len(names)-1])
		}
	}
}

func TestPullONNX(t *testing.T) {
	h, store := newFakeHub(t), newStore(t)
	delete(h.files, "model.safetensors")
	h.add(t, onnx(t, "hub"))
	options := h.options()
	options.Precision = "fp16"
	info, err := store.Pull(t.Context(), Reference{Name: name}, options)
	if err != nil || info.Kind != KindONNX {
		t.Fatalf("%+v, %v", info, err)
	}
	for file, want := range map[string]bool{"onnx/vision_model_fp16.onnx": true, "onnx/text_model_fp16.onnx": true, "onnx/vision_model.onnx": false} {
		if has(info.Dir, file) != want {
			t.Errorf("%s is there: %v", file, !want)
		}
	}
	if _, err := store.Verify(t.Context(), name); err != nil {
		t.Error(err)
	}
	options.Precision = "" // fp32, another choice of the same commit
	if info, err = store.Pull(t.Context(), Reference{Name: name}, options); err != nil || !has(info.Dir, "onnx/vision_model.onnx") || has(info.Dir, "onnx/text_model_fp16.onnx") {
		t.Errorf("%+v, %v", info, err)
	}
	if found, err := store.Find(name); err != nil || found != info.Dir {
		t.Errorf("found in %s, %v", found, err)
	}
}

func TestFingerprintExport(t *testing.T) {
	dir := onnx(t, "hub")
	full, err := FingerprintExport(dir, "")
	if err != nil || full != fingerprint(t, dir) {
		t.Errorf("the default is %s, %v", full, err)
	}
	half, err := FingerprintExport(dir, "_fp16")
	if err != nil || half == full {
		t.Errorf("fp16 is %s, %v", half, err)
	}
	if _, err := FingerprintExport(dir, "_bnb4"); err == nil {
		t.Error("a precision that is not there has a fingerprint")
	}
}

func TestPullAdapter(t *testing.T) {
	h, store := newFakeHub(t), newStore(t)
	h.files = map[string][]byte{"README.md": []byte("---\nlicense: mit\n---\n"), "adapter_model.bin": []byte("a pickle")}
	for _, file := range []string{"adapter_config.json", "adapter_model.safetensors"} {
		content, err := os.ReadFile(filepath.Join("..", "adapter", "testdata", "modules", file))
		if err != nil {
			t.Fatal(err)
		}
		h.files[file] = content
	}
	info, err := h.pull(t, store)
	if err != nil || info.Kind != KindAdapter || info.Base == "" || info.Licence != "mit" || len(info.Files) != 2 {
		t.Fatalf("%+v, %v", info, err)
	}
	if files, err := store.Verify(t.Context(), name); err != nil || files != 3 {
		t.Errorf("verified as %d files, %v", files, err)
	}
}
