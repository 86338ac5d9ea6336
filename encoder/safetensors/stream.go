package safetensors

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// Writer writes tensors of any types one after the other, so that a large file
// needs little memory.
type Writer struct {
	w       io.Writer
	tensors []Tensor
	next    int   // tensor being written
	left    int64 // bytes of it to come
}

// NewWriter writes the header. Only Name, DType and Shape of the tensors are used;
// their bytes must follow in this order.
func NewWriter(w io.Writer, tensors []Tensor) (*Writer, error) {
	header, err := encodeTensors(tensors)
	if err != nil {
		return nil, err
	}
	prefix := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	if _, err := w.Write(append(prefix, header...)); err != nil {
		return nil, err
	}
	writer := &Writer{w: w, tensors: tensors}
	writer.start()
	return writer, nil
}

// start goes to the next tensor that has any bytes.
func (w *Writer) start() {
	for w.left == 0 && w.next < len(w.tensors) {
		w.left, _ = span(w.tensors[w.next].DType, w.tensors[w.next].Shape) // checked by NewWriter
		w.next++
	}
}

// Write writes little-endian elements of the tensor that is due, all of it or
// a part. It is an error to go beyond its end.
func (w *Writer) Write(raw []byte) (int, error) {
	if int64(len(raw)) > w.left {
		return 0, fmt.Errorf("%d bytes are given where %d bytes of a tensor are due", len(raw), w.left)
	}
	n, err := w.w.Write(raw)
	if w.left -= int64(n); w.left == 0 {
		w.start()
	}
	return n, err
}

// Close checks that every tensor is complete. It does not close the underlying
// writer.
func (w *Writer) Close() error {
	if w.left > 0 {
		return fmt.Errorf("tensor %q lacks %d bytes", w.tensors[w.next-1].Name, w.left)
	}
	return nil
}

// encodeTensors pads the header with spaces, so that the bytes of tensors start
// at a multiple of eight.
func encodeTensors(tensors []Tensor) ([]byte, error) {
	entries := map[string]any{metadata: map[string]string{"format": "pt"}}
	var at int64
	for _, tensor := range tensors {
		bytes, err := span(tensor.DType, tensor.Shape)
		if err != nil {
			return nil, fmt.Errorf("tensor %q %w", tensor.Name, err)
		}
		if _, taken := entries[tensor.Name]; taken {
			return nil, fmt.Errorf("tensor %q is given twice", tensor.Name)
		}
		shape := append([]int64{}, tensor.Shape...)
		entries[tensor.Name] = map[string]any{"dtype": tensor.DType, "shape": shape, "data_offsets": []int64{at, at + bytes}}
		at += bytes
	}
	header, err := json.Marshal(entries)
	for len(header)%8 != 0 {
		header = append(header, ' ')
	}
	return header, err
}
