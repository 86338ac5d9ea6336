package safetensors

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
)

// Weights is one tensor to write, in float32.
type Weights struct {
	Name   string
	Shape  []int64
	Values []float32
}

// WriteFile writes tensors as one F32 safetensors file, in the order given.
func WriteFile(path string, tensors []Weights) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}()
	buffered := bufio.NewWriterSize(f, 1<<20)
	if err := Write(buffered, tensors); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return buffered.Flush()
}

// Write writes tensors in the safetensors format, as F32.
func Write(w io.Writer, tensors []Weights) error {
	described := make([]Tensor, len(tensors))
	for i, tensor := range tensors {
		bytes, err := span(F32, tensor.Shape)
		if err != nil || bytes != 4*int64(len(tensor.Values)) {
			return fmt.Errorf("tensor %q: %d values do not fill shape %v", tensor.Name, len(tensor.Values), tensor.Shape)
		}
		described[i] = Tensor{Name: tensor.Name, DType: F32, Shape: tensor.Shape}
	}
	writer, err := NewWriter(w, described)
	if err != nil {
		return err
	}
	for _, tensor := range tensors {
		if _, err := writer.Write(FloatBytes(tensor.Values)); err != nil {
			return err
		}
	}
	return writer.Close()
}

// FloatBytes is how values are stored as F32.
func FloatBytes(values []float32) []byte {
	raw := make([]byte, 4*len(values))
	for i, value := range values {
		binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(value))
	}
	return raw
}
