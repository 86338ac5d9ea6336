package onnxfile

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"polylens/encoder/graph"
)

// TestOpenPublished: what the usual exporters write passes.
func TestOpenPublished(t *testing.T) {
	paths, err := filepath.Glob("testdata/*/*/*.onnx")
	if err != nil || len(paths) != 11 {
		t.Fatalf("found %d models: %v", len(paths), err)
	}
	for _, path := range paths {
		if _, err := Open(path, Options{}); err != nil {
			t.Error(err)
		}
	}
}

func TestModel(t *testing.T) {
	path := filepath.Join("testdata", "naflex", "onnx", "vision_model.onnx")
	model, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	content, _ := os.ReadFile(path)
	if !slices.Equal(model.Bytes, content) || model.Dir != filepath.Dir(path) || model.Path != path {
		t.Error("the model is not the file")
	}
	if !slices.Equal(model.ExternalFiles, []string{"vision_model.onnx_data"}) || model.WeightBytes < 7000 {
		t.Errorf("%d bytes of weights, external data in %q", model.WeightBytes, model.ExternalFiles)
	}
	if model.Opset != 18 || model.IRVersion != 10 || model.Producer != "pytorch" || model.Operators["LayerNormalization"] != 4 {
		t.Errorf("opset %d, IR %d, producer %q, operators %v", model.Opset, model.IRVersion, model.Producer, model.Operators)
	}
	want := []string{"pixel_values float32[1, 12, 48]", "pixel_attention_mask int32[1, 12]", "spatial_shapes int32[1, 2]"}
	for i, input := range model.Inputs {
		if input.String() != want[i] {
			t.Errorf("input %v, want %s", input, want[i])
		}
	}
}

// TestAccepted: what is unusual but right passes.
func TestAccepted(t *testing.T) {
	tests := []struct {
		name    string
		content []byte
	}{
		{"nodes in any order", modelOf(operator("Relu", "b", "a"), operator("Relu", "y", "b"))},
		{"shared range", modelOf(initializer(stored("w", []int64{2}, "location", "data", "offset", "8", "length", "8")),
			initializer(stored("v", []int64{2}, "location", "data", "offset", "8", "length", "8")))},
		{"range to the end", modelOf(initializer(stored("w", []int64{4}, "location", "data")))},
		{"file in a folder", modelOf(initializer(stored("w", []int64{1}, "location", "folder/data", "checksum", "ab")))},
		{"no elements", modelOf(initializer(floats("w", 0, 0, 3)))},
		{"half a byte", modelOf(initializer(slices.Concat(tensorHead("w", 22, 3), bytesOf(9, make([]byte, 2)))))},
		{"numbers one by one", modelOf(initializer(slices.Concat(tensorHead("w", 7, 2), number(7, 1), number(7, -1))))},
		{"subgraph that sees outside", modelOf(subgraph(initializer(floats("w", 4, 1)), operator("Add", "y", "s", word(1, "w"))))},
		{"function", modelWith(graphOf(operator("f", "x", "a", local())),
			functionOf("f", operator("Relu", "x", "y", holding("n", 2, number(3, 1)))))},
		{"function called often", modelWith(graphOf(operator("f0", "x", "a", local())), doubling(8)...)},
		{"domain that nothing uses", modelWith(graphOf(), bytesOf(8, word(1, "com.microsoft.nchwc"), number(2, 1)))},
		{"operator of ONNX Runtime", modelWith(graphOf(operator("FastGelu", "x", "a", word(7, "com.microsoft"))), bytesOf(8, word(1, "com.microsoft"), number(2, 1)))},
		{"huge dimension", modelOf(port(13, "v", 1<<50))},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := openBytes(t, trap(t), test.content); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestInputWithInitializer: an input that has a value need not be fed.
func TestInputWithInitializer(t *testing.T) {
	content := modelOf(initializer(floats("w", 4, 1)), port(11, "w", 1))
	model, err := openBytes(t, t.TempDir(), content)
	if err != nil {
		t.Fatal(err)
	}
	scanned, _, err := scanPorts(model.Path)
	if err != nil || len(model.Inputs) != 1 || len(scanned) != 1 || scanned[0].Name != "x" {
		t.Errorf("inputs %v, scanned %v: %v", model.Inputs, scanned, err)
	}
}

// TestDetach: the values of large initializers stay in the file, all else is
// copied.
func TestDetach(t *testing.T) {
	const large = detachFrom / 4
	values := make([]byte, 4*large)
	for i := range values {
		values[i] = byte(i * 7)
	}
	heavy := slices.Concat(tensorHead("heavy", 1, large), bytesOf(9, values))
	content := modelOf(initializer(heavy), initializer(floats("light", 8, 2)), constant(floats("", 4*large, large)))
	model, err := openBytes(t, t.TempDir(), content)
	if err != nil {
		t.Fatal(err)
	}
	if saved := len(content) - len(model.Bytes); saved < len(values)-200 || saved > len(values) {
		t.Errorf("%d bytes became %d", len(content), len(model.Bytes))
	}
	if len(model.ExternalFiles) != 0 || model.WeightBytes != int64(2*len(values)+8) {
		t.Errorf("files %q, %d bytes of weights", model.ExternalFiles, model.WeightBytes)
	}
	_, tensors, err := check(model.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	at := tensors[0].external
	if at == nil || at.location != "model.onnx" || !slices.Equal(content[at.offset:at.offset+at.length], values) {
		t.Errorf("the heavy tensor lies at %+v", at)
	}
	if tensors[1].external != nil || tensors[2].external != nil {
		t.Error("a light tensor or one of an attribute was taken out")
	}
}

// TestDetachLies: large initializers are judged as small ones are.
func TestDetachLies(t *testing.T) {
	raw := make([]byte, detachFrom)
	tests := []struct {
		name   string
		tensor []byte
		want   string
	}{
		{"length", slices.Concat(tensorHead("w", 1, 3), bytesOf(9, raw)), `initializer "w" takes 65536 bytes of "model.onnx", but its type and shape [3] need 12`},
		{"twice", slices.Concat(tensorHead("w", 1, detachFrom/4), bytesOf(9, raw), bytesOf(9, raw)), "the field 9 twice"},
		{"also external", slices.Concat(stored("w", []int64{detachFrom / 4}, "location", "data"), bytesOf(9, raw)), "values in the model and external ones"},
		{"also typed", slices.Concat(tensorHead("w", 1, detachFrom/4), bytesOf(4, floatBits(1)), bytesOf(9, raw)), "values in the model and external ones"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := openBytes(t, trap(t), modelOf(initializer(test.tensor)))
			expectFileError(t, err, test.want)
		})
	}
	spy := modelOf(initializer(slices.Concat(tensorHead("w", 1, detachFrom/4), bytesOf(9, raw))),
		initializer(stored("v", []int64{1}, "location", "model.onnx", "offset", "100", "length", "4")))
	_, err := openBytes(t, t.TempDir(), spy)
	expectFileError(t, err, "overlaps")
}

// TestAllowHardLinks: the hub's view of a cache passes when asked for.
func TestAllowHardLinks(t *testing.T) {
	dir := trap(t)
	writeFile(t, filepath.Join(dir, "model.onnx"), externalModel("location", "hard"))
	if _, err := Open(filepath.Join(dir, "model.onnx"), Options{AllowHardLinks: true}); err != nil {
		t.Error(err)
	}
}

// TestCacheLink: links of a Hugging Face cache are refused with their own error.
func TestCacheLink(t *testing.T) {
	root := t.TempDir()
	repository := filepath.Join(root, "models--owner--name")
	snapshot := filepath.Join(repository, "snapshots", "abc", "onnx")
	writeFile(t, filepath.Join(repository, "blobs", "1"), externalModel("location", "model.onnx_data"))
	writeFile(t, filepath.Join(repository, "blobs", "2"), make([]byte, 4))
	writeFile(t, filepath.Join(root, "other", "blobs", "3"), modelOf())
	writeFile(t, filepath.Join(snapshot, "plain.onnx"), externalModel("location", "model.onnx_data"))
	for name, target := range map[string]string{"model.onnx": "../../../blobs/1", "model.onnx_data": "../../../blobs/2", "foreign.onnx": "../../../../other/blobs/3"} {
		if err := os.Symlink(target, filepath.Join(snapshot, name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"model.onnx": "model.onnx", "plain.onnx": "model.onnx_data", "foreign.onnx": ""} {
		_, err := Open(filepath.Join(snapshot, name), Options{})
		expectFileError(t, err, "symbolic link")
		var link *CacheLinkError
		if !errors.As(err, &link) {
			if want != "" {
				t.Errorf("%s: error %v is no CacheLinkError", name, err)
			}
			continue
		}
		if filepath.Base(link.Path) != want || !strings.Contains(link.Target, filepath.Join(repository, "blobs")) {
			t.Errorf("%s: link %+v", name, link)
		}
	}
}

// TestOpenBuilt: what package graph writes passes, with weights in another file.
func TestOpenBuilt(t *testing.T) {
	built, err := graph.Build("test", func(g *graph.Graph) {
		x := g.Input("pixel_values", graph.Float32, graph.Batch, 4)
		w := g.External("w", graph.Float16, graph.Shape{2, 4}, graph.External{Location: "data", Offset: 0, Length: 16})
		g.Output("image_embeds", graph.GeluTanh(graph.Linear(x, graph.Cast(w, graph.Float32), nil)))
	})
	if err != nil {
		t.Fatal(err)
	}
	model, err := openBytes(t, trap(t), built.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if model.Opset != graph.Opset || !slices.Equal(model.ExternalFiles, []string{"data"}) {
		t.Errorf("opset %d, files %v, operators %v", model.Opset, model.ExternalFiles, slices.Sorted(maps.Keys(model.Operators)))
	}
}

// FuzzCheck (run it with -fuzzminimizetime 10x, the models are long): whatever the bytes, the checks neither panic nor let a tensor
// through that lies outside its file, and they agree with the scanner.
func FuzzCheck(f *testing.F) {
	paths, _ := filepath.Glob("testdata/*/*/*.onnx")
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	for _, test := range slices.Concat(hostileTensors, hostileGraphs, hostileExternals) {
		if len(test.content) < 1<<16 {
			f.Add(test.content)
		}
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		model, tensors, err := check(content)
		if err != nil {
			return
		}
		for _, tensor := range tensors {
			if tensor.external == nil && tensor.bytes > int64(len(content))*4 {
				t.Errorf("%s has %d bytes in a file of %d", tensor.where, tensor.bytes, len(content))
			}
			if at := tensor.external; at != nil && (!filepath.IsLocal(at.location) || at.offset < 0 || tensor.bytes < 0) {
				t.Errorf("%s lies at %+v", tensor.where, at)
			}
		}
		detached, err := detach(strings.NewReader(string(content)), int64(len(content)), "f")
		if err != nil {
			t.Fatalf("cannot be detached: %v", err)
		}
		if _, _, err := check(detached); err != nil {
			t.Errorf("is refused when detached: %v", err)
		}
		inputs, outputs, err := scan(strings.NewReader(string(content)), int64(len(content)))
		if err != nil || len(inputs) != len(model.Inputs) || len(outputs) != len(model.Outputs) {
			t.Errorf("scanned %v and %v, read %v and %v: %v", inputs, outputs, model.Inputs, model.Outputs, err)
		}
	})
}
