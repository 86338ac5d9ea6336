package encoder_test

import (
	"context"
	"encoding/json"
	"errors"
	"image"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"polylens/encoder"
	"polylens/encoder/hub"
	"polylens/encoder/internal/formula"
	"polylens/encoder/preprocess"
	"polylens/internal/needs"
)

// modelDir writes testdata/model with the formula's weights into a folder.
func modelDir(t testing.TB) string {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "model"))); err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "config.json")); err != nil { // it may have been copied read-only
		t.Fatal(err)
	}
	if err := formula.WriteCheckpoint(dir, config); err != nil {
		t.Fatal(err)
	}
	return dir
}

func open(t testing.TB, dir string) *encoder.Encoder {
	t.Helper()
	opened, err := encoder.Open(t.Context(), dir, encoder.Options{Library: needs.ONNXRuntime(t), Threads: 1, MaxBatch: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { opened.Close() })
	return opened
}

// whole is testdata/whole.json: strings and pictures to unit vectors as
// Hugging Face tokenizer, processor and model make them.
type whole struct {
	Pictures       [][2]int    `json:"pictures"` // width, height
	PictureVectors [][]float32 `json:"picture_vectors"`
	Texts          []string    `json:"texts"`
	TextVectors    [][]float32 `json:"text_vectors"`
}

func readWhole(t testing.TB) whole {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "whole.json"))
	if err != nil {
		t.Fatal(err)
	}
	var w whole
	if err := json.Unmarshal(content, &w); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w whole) images() []image.Image {
	var images []image.Image
	for _, size := range w.Pictures {
		name := "picture." + strconv.Itoa(size[0]) + "x" + strconv.Itoa(size[1])
		images = append(images, formula.Picture(name, size[0], size[1]))
	}
	return images
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// TestTextsAndPicturesAsHuggingFace compares the whole way, from strings and
// from pictures of odd shapes, with Hugging Face transformers.
func TestTextsAndPicturesAsHuggingFace(t *testing.T) {
	e, want := open(t, modelDir(t)), readWhole(t)
	texts, err := e.EncodeTexts(t.Context(), want.Texts)
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range want.Texts {
		expectClose(t, text, texts[i], want.TextVectors[i])
	}
	pictures, err := e.EncodeImages(t.Context(), want.images())
	if err != nil {
		t.Fatal(err)
	}
	for i, size := range want.Pictures {
		expectClose(t, "picture "+strconv.Itoa(size[0])+"x"+strconv.Itoa(size[1]), pictures[i], want.PictureVectors[i])
	}
}

// expectClose demands cosine >= 0.99999 and a largest difference of at most
// 1e-4 of the largest entry.
func expectClose(t *testing.T, input string, got, want []float32) {
	t.Helper()
	var dot, largest, difference float64
	for i := range want {
		g, w := float64(got[i]), float64(want[i])
		dot += g * w
		largest = max(largest, math.Abs(w))
		difference = max(difference, math.Abs(g-w))
	}
	if len(got) != len(want) || !(dot >= 0.99999) || !(difference <= 1e-4*largest) {
		t.Errorf("%.40q: cosine %.7f, difference %.2e of scale %.2e", input, dot, difference, largest)
	}
}

func TestManyGoroutinesGetTheirOwnVectors(t *testing.T) {
	e, want := open(t, modelDir(t)), readWhole(t)
	images := want.images()
	var group sync.WaitGroup
	for start := range 6 {
		group.Go(func() {
			texts, err := e.EncodeTexts(t.Context(), want.Texts[start:])
			if err != nil {
				t.Error(err)
				return
			}
			pictures, err := e.EncodeImages(t.Context(), images[start:start+2])
			if err != nil {
				t.Error(err)
				return
			}
			expectClose(t, want.Texts[start], texts[0], want.TextVectors[start])
			expectClose(t, "picture", pictures[1], want.PictureVectors[start+1])
			clear(texts[0]) // callers may do what they like with theirs
		})
	}
	group.Wait()
	again, err := e.EncodeTexts(t.Context(), []string{want.Texts[0], want.Texts[0]})
	if err != nil || !slices.Equal(again[0], again[1]) {
		t.Fatal("one text has two vectors", err)
	}
	expectClose(t, "remembered", again[1], want.TextVectors[0])
}

func TestEncodeRefusesWhatIsNoPicture(t *testing.T) {
	e := open(t, modelDir(t))
	if vectors, err := e.EncodePixels(t.Context(), nil); err != nil || len(vectors) != 0 {
		t.Errorf("no pictures give %v, %v", vectors, err)
	}
	if vectors, err := e.EncodeTexts(t.Context(), nil); err != nil || len(vectors) != 0 {
		t.Errorf("no texts give %v, %v", vectors, err)
	}
	pixels := preprocess.Pixels{Values: make([]float32, 3*e.ImageSize()*e.ImageSize())}
	_, err := e.EncodePixels(t.Context(), []preprocess.Pixels{pixels, {Values: pixels.Values[1:]}})
	expectError(t, err, "picture 1 has 10091 numbers")
	pixels.Values[7] = float32(math.NaN())
	_, err = e.EncodePixels(t.Context(), []preprocess.Pixels{pixels})
	expectError(t, err, "of length NaN")
	_, err = e.EncodeImages(t.Context(), []image.Image{image.NewGray(image.Rectangle{})})
	expectError(t, err, "picture 0")
}

func TestEncodeStopsWithItsContextAndAfterClose(t *testing.T) {
	e := open(t, modelDir(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.EncodeTexts(ctx, []string{"x"}); !errors.Is(err, context.Canceled) {
		t.Errorf("a dead context answers %v", err)
	}
	if _, err := e.EncodeTexts(t.Context(), []string{"x"}); err != nil {
		t.Error(err)
	}
	if err := errors.Join(e.Close(), e.Close()); err != nil {
		t.Error(err)
	}
	_, err := e.EncodeTexts(t.Context(), []string{"y"})
	expectError(t, err, "closed")
}

func expectError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v does not say %q", err, want)
	}
}

// TestOpenRefusesBrokenModels: each damage of a model directory is an error
// that names the file and what is wrong.
func TestOpenRefusesBrokenModels(t *testing.T) {
	replace := func(old, new string) func(string) string {
		return func(content string) string { return strings.Replace(content, old, new, 1) }
	}
	tests := []struct {
		name, file string
		change     func(content string) string // nil removes the file
		want       string
	}{
		{"no config", "config.json", nil, "config.json"},
		{"no weights", "model.safetensors", nil, "neither model.safetensors"},
		{"no tokenizer", "tokenizer.json", nil, "tokenizer.json"},
		{"truncated weights", "model.safetensors", func(s string) string { return s[:len(s)-5] }, "outside the file"},
		{"offset outside", "model.safetensors", replace(`"data_offsets":[0,4]`, `"data_offsets":[9,4]`), "impossible offsets"},
		{"wrong width", "config.json", replace(`"hidden_size":64`, `"hidden_size":72`), "cannot be compared"},
		{"wrong MLP", "config.json", replace(`"intermediate_size":96`, `"intermediate_size":97`), `fc1.weight" of model.safetensors has shape [96 64], config.json asks for [97 64]`},
		{"too many layers", "config.json", replace(`"num_hidden_layers":1`, `"num_hidden_layers":3`), `lacks tensor "text_model.encoder.layers.1.`},
		{"too few layers", "config.json", replace(`"num_hidden_layers":2`, `"num_hidden_layers":1`), "does not have"},
		{"out of range", "config.json", replace(`"num_attention_heads":8`, `"num_attention_heads":-8`), "num_attention_heads -8 is outside"},
		{"NaFlex", "config.json", replace(`"model_type":"siglip"`, `"model_type":"siglip2"`), "disagree on whether this is a NaFlex model"},
		{"other picture size", "preprocessor_config.json", replace(`"height":58,"width":58`, `"height":64,"width":64`), "image_size 58"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := modelDir(t)
			path := filepath.Join(dir, test.file)
			content := must(os.ReadFile(path))
			err := os.Remove(path)
			if test.change != nil {
				changed := test.change(string(content))
				if changed == string(content) {
					t.Fatal("the test changes nothing")
				}
				err = os.WriteFile(path, []byte(changed), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			_, err = encoder.Open(t.Context(), dir, encoder.Options{Library: needs.ONNXRuntime(t)})
			expectError(t, err, test.want)
		})
	}
}

// TestBundledModelOpens unpacks the model that the program carries and uses it.
func TestBundledModelOpens(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir, err := hub.Bundled(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	e := open(t, dir)
	vectors, err := e.EncodeTexts(t.Context(), []string{"a cat", "Кошка"})
	if err != nil || len(vectors[1]) != e.Dimension() || len(e.Fingerprint()) != 64 {
		t.Errorf("the bundled model gives %d vectors, fingerprint %q: %v", len(vectors), e.Fingerprint(), err)
	}
}

func TestOpenWithoutLibrarySaysWhatToDo(t *testing.T) {
	_, err := encoder.Open(t.Context(), modelDir(t), encoder.Options{})
	expectError(t, err, "polylens setup")
}
