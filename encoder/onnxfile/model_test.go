package onnxfile

import (
	"path/filepath"
	"testing"
)

func TestOpenPublished(t *testing.T) {
	paths, err := filepath.Glob("testdata/*/*/*.onnx")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no models: %v", err)
	}
	for _, path := range paths {
		m, err := Open(path, Options{})
		if err != nil {
			t.Error(err)
			continue
		}
		t.Log(path, m.Inputs, m.Outputs, m.Opset, m.Operators, m.ExternalFiles)
	}
}
