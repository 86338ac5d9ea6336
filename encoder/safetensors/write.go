package safetensors

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
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
	header, err := encodeHeader(tensors)
	if err != nil {
		return err
	}
	prefix := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	if _, err := w.Write(append(prefix, header...)); err != nil {
		return err
	}
	for _, tensor := range tensors {
		raw := make([]byte, 4*len(tensor.Values))
		for i, value := range tensor.Values {
			binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(value))
		}
		if _, err := w.Write(raw); err != nil {
			return err
		}
	}
	return nil
}

// encodeHeader pads the header with spaces, so that weights start at a
// multiple of eight bytes.
func encodeHeader(tensors []Weights) ([]byte, error) {
	entries := map[string]any{metadata: map[string]string{"format": "pt"}}
	var at int64
	for _, tensor := range tensors {
		bytes, err := span(F32, tensor.Shape)
		if err != nil || bytes != 4*int64(len(tensor.Values)) {
			return nil, fmt.Errorf("tensor %q: %d values do not fill shape %v", tensor.Name, len(tensor.Values), tensor.Shape)
		}
		if _, taken := entries[tensor.Name]; taken {
			return nil, fmt.Errorf("tensor %q is given twice", tensor.Name)
		}
		shape := append([]int64{}, tensor.Shape...)
		entries[tensor.Name] = map[string]any{"dtype": F32, "shape": shape, "data_offsets": []int64{at, at + bytes}}
		at += bytes
	}
	header, err := json.Marshal(entries)
	for len(header)%8 != 0 {
		header = append(header, ' ')
	}
	return header, err
}
