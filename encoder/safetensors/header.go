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

// Limits of what is believed. The first is the format's own.
const (
	maxHeader  = 100_000_000
	maxRank    = 16
	maxTensors = 1_000_000
	metadata   = "__metadata__"
)

// parse reads the header of one file of the given size and returns its
// tensors in the order of their bytes. Every tensor's range lies inside the
// file, fits its type and shape, and the ranges cover the file exactly.
func parse(r io.Reader, file string, size int64) ([]Tensor, error) {
	header, err := readHeader(r, size)
	if err != nil {
		return nil, err
	}
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

func readHeader(r io.Reader, size int64) ([]byte, error) {
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
	header := make([]byte, length)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, fmt.Errorf("ends inside its header: %w", err)
	}
	if len(header) == 0 || header[0] != '{' {
		return nil, errors.New("has a header that is no JSON object")
	}
	return header, nil
}

// entry is the description of one tensor in the header.
type entry struct {
	DType   *DType   `json:"dtype"`
	Shape   *[]int64 `json:"shape"`
	Offsets []int64  `json:"data_offsets"`
}

// decode walks the header token by token, because a map would silently keep
// the last of two tensors with one name.
func decode(header []byte, file string) ([]Tensor, error) {
	decoder := json.NewDecoder(bytes.NewReader(header))
	decoder.DisallowUnknownFields()
	if _, err := decoder.Token(); err != nil {
		return nil, fmt.Errorf("has a broken header: %w", err)
	}
	var tensors []Tensor
	seen := map[string]bool{}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, fmt.Errorf("has a broken header: %w", err)
		}
		name := key.(string) // the decoder accepts nothing else as a key
		if seen[name] || len(seen) >= maxTensors {
			return nil, fmt.Errorf("names tensor %q twice, or holds more than %d tensors", name, maxTensors)
		}
		seen[name] = true
		if name == metadata {
			if err := decoder.Decode(&map[string]string{}); err != nil {
				return nil, fmt.Errorf("has broken metadata: %w", err)
			}
			continue
		}
		tensor, err := decodeTensor(decoder, name, file)
		if err != nil {
			return nil, fmt.Errorf("tensor %q %w", name, err)
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
	var e entry
	if err := decoder.Decode(&e); err != nil {
		return Tensor{}, fmt.Errorf("is described wrongly: %w", err)
	}
	if e.DType == nil || e.Shape == nil || len(e.Offsets) != 2 {
		return Tensor{}, errors.New("lacks its dtype, shape or two data_offsets")
	}
	bytes, err := span(*e.DType, *e.Shape)
	if err != nil {
		return Tensor{}, err
	}
	begin, end := e.Offsets[0], e.Offsets[1]
	if begin < 0 || end < begin {
		return Tensor{}, fmt.Errorf("has the impossible offsets %d to %d", begin, end)
	}
	if end-begin != bytes {
		return Tensor{}, fmt.Errorf("takes %d bytes, but %s of shape %v needs %d", end-begin, *e.DType, *e.Shape, bytes)
	}
	return Tensor{Name: name, DType: *e.DType, Shape: *e.Shape, File: file, Offset: begin, Length: bytes}, nil
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
