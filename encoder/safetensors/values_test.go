package safetensors

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestValues writes tensors of several types as a stream and reads them back.
func TestValues(t *testing.T) {
	tensors := []Tensor{
		{Name: "half", DType: F16, Shape: []int64{2, 4}},
		{Name: "empty", DType: F32, Shape: []int64{0}},
		{Name: "brain", DType: BF16, Shape: []int64{2}},
		{Name: "bytes", DType: "I8", Shape: []int64{3}},
		{Name: "full", DType: F32, Shape: []int64{3, 1}},
	}
	var file bytes.Buffer
	w, err := NewWriter(&file, tensors)
	if err != nil {
		t.Fatal(err)
	}
	parts := [][]byte{
		{0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00, 0xff, 0x7b}, {0x00, 0x7c, 0x00, 0x80, 0x55, 0x35, 0xff, 0x03},
		{0x80, 0x3f, 0x40, 0xc0}, {0xff, 0x01, 0x80}, FloatBytes([]float32{1.5, -2, 3}),
	}
	for _, part := range parts {
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "any.safetensors")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	x, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]float32{
		"half":  {1, -2, 1.0 / (1 << 24), 65504, float32(math.Inf(1)), float32(math.Copysign(0, -1)), 0.333251953125, 1023.0 / (1 << 24)},
		"brain": {1, -3}, "full": {1.5, -2, 3}, "empty": {},
	}
	for name, values := range want {
		if got, err := x.Floats(name); err != nil || !slices.Equal(got, values) {
			t.Errorf("%s is %v, want %v: %v", name, got, values, err)
		}
	}
	rows := make([]float32, 2)
	if err := x.ReadRows("full", 1, rows); err != nil || !slices.Equal(rows, []float32{-2, 3}) {
		t.Errorf("rows 1 and 2 are %v: %v", rows, err)
	}
	if raw, err := x.Raw("bytes"); err != nil || !slices.Equal(raw, parts[3]) {
		t.Errorf("raw bytes are %v: %v", raw, err)
	}
	if _, err := x.Floats("bytes"); err == nil || !strings.Contains(err.Error(), "I8") {
		t.Errorf("int8 read as numbers: %v", err)
	}
	if err := x.ReadRows("full", 2, rows); err == nil {
		t.Error("a row beyond the end was read")
	}
}

func TestWriterKeepsToItsHeader(t *testing.T) {
	var file bytes.Buffer
	w, err := NewWriter(&file, []Tensor{{Name: "a", DType: F16, Shape: []int64{2}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 2)); err == nil {
		t.Error("more bytes than the header says were written")
	}
	if err := w.Close(); err == nil || !strings.Contains(err.Error(), `"a" lacks 1 bytes`) {
		t.Errorf("an incomplete file is closed with %v", err)
	}
	for name, tensors := range map[string][]Tensor{
		"twice":   {{Name: "a", DType: F32}, {Name: "a", DType: F32}},
		"type":    {{Name: "a", DType: "X1"}},
		"reserve": {{Name: metadata, DType: F32}},
	} {
		if _, err := NewWriter(&file, tensors); err == nil {
			t.Errorf("%s: a header that cannot be read was written", name)
		}
	}
}

// TestLongTensor reads a tensor that takes several chunks.
func TestLongTensor(t *testing.T) {
	const rows, width = 3*chunk/16 + 5, 4
	values := make([]float32, rows*width)
	for i := range values {
		values[i] = float32(i)
	}
	path := filepath.Join(t.TempDir(), SingleFile)
	if err := WriteFile(path, []Weights{{"a", []int64{rows, width}, values}}); err != nil {
		t.Fatal(err)
	}
	x, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := x.Floats("a"); err != nil || !slices.Equal(got, values) {
		t.Errorf("read %d values that differ: %v", len(got), err)
	}
	part := make([]float32, (rows-3)*width)
	if err := x.ReadRows("a", 3, part); err != nil || !slices.Equal(part, values[3*width:]) {
		t.Errorf("read rows that differ: %v", err)
	}
	for _, first := range []int64{-1, 4, math.MaxInt64} {
		if err := x.ReadRows("a", first, part); err == nil {
			t.Errorf("rows from %d on were read", first)
		}
	}
}
