package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Limits of what is accepted. The first is the format's own; the others are more than
// ten times what the largest models of this architecture have. They are checked before
// anything is made of a header.
const (
	maxHeader  = 100_000_000
	maxHeaders = 16 << 20 // bytes, of all files of a model
	maxRank    = 16
	maxName    = 1024   // bytes of the name of a tensor
	maxTensors = 20_000 // of all files of a model
	metadata   = "__metadata__"
)

// parse reads the header of one file of the given size and returns its
// tensors in the order of their bytes. Every tensor's range lies inside the
// file, fits its type and shape, and the ranges cover the file exactly.
func parse(r io.Reader, file string, size int64) ([]Tensor, error) {
	header, err := readHeader(r, size, maxHeaders)
	if err != nil {
		return nil, err
	}
	return parseHeader(header, file, size)
}

func parseHeader(header []byte, file string, size int64) ([]Tensor, error) {
	tensors, err := decode(header, file)
	if err != nil {
		return nil, err
	}
	start := 8 + int64(len(header))
	for i := range tensors {
		tensors[i].Offset += start
	}
	return tensors, checkRanges(tensors, start, size)
}

// readHeader reads a header of at most so many bytes.
func readHeader(r io.Reader, size, most int64) ([]byte, error) {
	var prefix [8]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return nil, errors.New("is too short to be a safetensors file")
	}
	length := binary.LittleEndian.Uint64(prefix[:])
	if length > maxHeader {
		return nil, fmt.Errorf("announces a header of %d bytes, more than the format's limit of %d", length, maxHeader)
	}
	if int64(length) > size-8 {
		return nil, fmt.Errorf("announces a header of %d bytes, but only %d follow", length, size-8)
	}
	if int64(length) > most {
		return nil, fmt.Errorf("announces a header of %d bytes, where those of a model may have %d in all", length, maxHeaders)
	}
	header := make([]byte, length)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, fmt.Errorf("ends inside its header: %w", err)
	}
	if len(header) == 0 || header[0] != '{' {
		return nil, errors.New("has a header that is no JSON object")
	}
	return header, nil
}

// decode reads the tensors of a header in their order.
func decode(header []byte, file string) ([]Tensor, error) {
	if err := checkKeys(header, 1, maxTensors+1, "tensors"); err != nil { // one more for the metadata
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader(header))
	if _, err := decoder.Token(); err != nil {
		return nil, fmt.Errorf("has a broken header: %w", err)
	}
	var tensors []Tensor
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, fmt.Errorf("has a broken header: %w", err)
		}
		name := key.(string) // the decoder accepts nothing else as a key
		if name == metadata {
			if err := decoder.Decode(&map[string]string{}); err != nil {
				return nil, fmt.Errorf("has broken metadata: %w", err)
			}
			continue
		}
		tensor, err := decodeTensor(decoder, name, file)
		if err != nil {
			return nil, fmt.Errorf("tensor %.200q %w", name, err)
		}
		tensors = append(tensors, tensor)
	}
	return tensors, checkEnd(decoder, header)
}

// checkEnd accepts only the closing brace and padding spaces after the last entry.
func checkEnd(decoder *json.Decoder, header []byte) error {
	if _, err := decoder.Token(); err != nil {
		return fmt.Errorf("has a broken header: %w", err)
	}
	rest := bytes.TrimSpace(header[decoder.InputOffset():])
	if len(rest) > 0 {
		return errors.New("has more than one JSON object in its header")
	}
	return nil
}

func decodeTensor(decoder *json.Decoder, name, file string) (Tensor, error) {
	var dtype *DType
	var shape *[]int64
	var offsets []int64
	targets := map[string]any{"dtype": &dtype, "shape": &shape, "data_offsets": &offsets}
	var entry map[string]json.RawMessage // unlike a struct, it tells "dtype" from "DType"
	if err := decoder.Decode(&entry); err != nil {
		return Tensor{}, fmt.Errorf("is described wrongly: %w", err)
	}
	for key, value := range entry {
		target, known := targets[key]
		if !known {
			return Tensor{}, fmt.Errorf("is described wrongly: there is no %q in the format", key)
		}
		if err := json.Unmarshal(value, target); err != nil {
			return Tensor{}, fmt.Errorf("is described wrongly: %w", err)
		}
	}
	if dtype == nil || shape == nil || len(offsets) != 2 {
		return Tensor{}, errors.New("lacks its dtype, shape or two data_offsets")
	}
	tensor := Tensor{Name: name, DType: *dtype, Shape: *shape, File: file, Offset: offsets[0], Length: offsets[1] - offsets[0]}
	return tensor, checkTensor(tensor, offsets)
}

func checkTensor(tensor Tensor, offsets []int64) error {
	if len(tensor.Name) > maxName {
		return fmt.Errorf("has a name of %d bytes, more than %d", len(tensor.Name), maxName)
	}
	needed, err := span(tensor.DType, tensor.Shape)
	if err != nil {
		return err
	}
	if offsets[0] < 0 || offsets[1] < offsets[0] {
		return fmt.Errorf("has the impossible offsets %d to %d", offsets[0], offsets[1])
	}
	if tensor.Length != needed {
		return fmt.Errorf("takes %d bytes, but %s of shape %v needs %d", tensor.Length, tensor.DType, tensor.Shape, needed)
	}
	return nil
}

// checkRanges sorts the tensors by position and demands that they cover the
// bytes from start to size without overlap or gap.
func checkRanges(tensors []Tensor, start, size int64) error {
	slices.SortFunc(tensors, func(a, b Tensor) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Length, b.Length), cmp.Compare(a.Name, b.Name))
	})
	at := start
	for _, tensor := range tensors {
		switch {
		case tensor.Offset > size || tensor.Length > size-tensor.Offset:
			return fmt.Errorf("tensor %q ends at byte %d, outside the file of %d bytes", tensor.Name, tensor.Offset+tensor.Length, size)
		case tensor.Offset < at:
			return fmt.Errorf("tensor %q overlaps the one before it", tensor.Name)
		case tensor.Offset > at:
			return fmt.Errorf("leaves a gap of %d bytes before tensor %q", tensor.Offset-at, tensor.Name)
		}
		at += tensor.Length
	}
	if at != size {
		return fmt.Errorf("holds %d bytes that belong to no tensor", size-at)
	}
	return nil
}
