package checkpoint

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"regexp"
	"slices"

	"polylens/encoder/half"
	"polylens/encoder/safetensors"
)

// Names of the sections that every run has. Others may stand beside them, such
// as the weights of a teacher.
const (
	Weights = "weights" // those that are trained: of the model or of an adapter
	First   = "first"   // first moments, by the names of their weights
	Second  = "second"  // second moments
)

// Section is a named part of the state and a file of a checkpoint. The values
// of its tensors are the caller's memory: saving reads it and loading fills it.
type Section struct {
	Name    string // lower-case letters, digits, "-" and "_"
	Tensors []safetensors.Weights
}

var sectionName = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)

func (s Section) file() string { return s.Name + ".safetensors" }

func (s Section) describe() []safetensors.Tensor {
	described := make([]safetensors.Tensor, len(s.Tensors))
	for i, tensor := range s.Tensors {
		described[i] = safetensors.Tensor{Name: tensor.Name, DType: safetensors.F32, Shape: tensor.Shape}
	}
	return described
}

// check demands that every tensor fills its shape.
func (s Section) check() error {
	if !sectionName.MatchString(s.Name) {
		return fmt.Errorf("%q cannot name a section of a checkpoint", s.Name)
	}
	for _, tensor := range s.Tensors {
		if elements(tensor.Shape) != int64(len(tensor.Values)) {
			return fmt.Errorf("%s: tensor %q has %d values for the shape %v", s.Name, tensor.Name, len(tensor.Values), tensor.Shape)
		}
	}
	return nil
}

// elements of a shape, -1 for an impossible one.
func elements(shape []int64) int64 {
	count := int64(1)
	for _, size := range shape {
		if size < 0 || size > 0 && count > math.MaxInt64/size {
			return -1
		}
		count *= size
	}
	return count
}

// bytes is the size of the section's file.
func (s Section) bytes() (int64, error) {
	total, err := headerBytes(s.describe())
	for _, tensor := range s.Tensors {
		total += 4 * int64(len(tensor.Values))
	}
	return total, err
}

func headerBytes(tensors []safetensors.Tensor) (int64, error) {
	var header counter
	_, err := safetensors.NewWriter(&header, tensors)
	return int64(header), err
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(raw []byte) (int, error) {
	*c += counter(len(raw))
	return len(raw), nil
}

func (s Section) write(to io.Writer) error {
	writer, err := safetensors.NewWriter(to, s.describe())
	if err != nil {
		return err
	}
	for _, tensor := range s.Tensors {
		if err := writeValues(writer, safetensors.F32, tensor.Values); err != nil {
			return fmt.Errorf("%s: tensor %q: %w", s.Name, tensor.Name, err)
		}
	}
	return writer.Close()
}

// chunk is how many values are converted at a time.
const chunk = 1 << 16

// writeValues streams values, and refuses those that are not finite: neither a
// run nor a search can go on from them.
func writeValues(to io.Writer, dtype safetensors.DType, values []float32) error {
	put, err := encoding(dtype)
	if err != nil {
		return err
	}
	raw := make([]byte, 0, 4*min(chunk, len(values)))
	for start := 0; start < len(values); start += chunk {
		part := values[start:min(start+chunk, len(values))]
		if bad := slices.IndexFunc(part, infinite); bad >= 0 {
			return fmt.Errorf("value %d is %v: training has diverged", start+bad, part[bad])
		}
		if bad := slices.IndexFunc(part, beyondHalf); bad >= 0 && dtype == safetensors.F16 {
			return fmt.Errorf("value %d is %v, and float16 ends at 65504: use bfloat16", start+bad, part[bad])
		}
		raw = raw[:0]
		for _, value := range part {
			raw = put(raw, math.Float32bits(value))
		}
		if _, err := to.Write(raw); err != nil {
			return err
		}
	}
	return nil
}

const exponent = 0x7f800000 // all ones: infinite, or not a number

func infinite(value float32) bool { return math.Float32bits(value)&exponent == exponent }

// beyondHalf tells of the values that float16 would make infinite.
func beyondHalf(value float32) bool { return math.Abs(float64(value)) >= 65520 }

// encoding appends the bits of a float32 in another type.
func encoding(dtype safetensors.DType) (func(raw []byte, bits uint32) []byte, error) {
	switch dtype {
	case safetensors.F32:
		return binary.LittleEndian.AppendUint32, nil
	case safetensors.F16:
		return appendF16, nil
	case safetensors.BF16:
		return appendBF16, nil
	default:
		return nil, fmt.Errorf("values cannot be written as %s, only as F32, F16 and BF16", dtype)
	}
}

// appendF16 rounds to the nearest float16, ties to even.
func appendF16(raw []byte, bits uint32) []byte {
	return binary.LittleEndian.AppendUint16(raw, half.To(math.Float32frombits(bits)))
}

// appendBF16 rounds to the nearest bfloat16, ties to even. The largest values
// become infinite.
func appendBF16(raw []byte, bits uint32) []byte {
	return binary.LittleEndian.AppendUint16(raw, uint16((bits+0x7fff+bits>>16&1)>>16))
}

// fill reads the section's file into the caller's memory.
func (s Section) fill(ctx context.Context, dir string) error {
	index, err := safetensors.OpenFile(filepath.Join(dir, s.file()))
	if err != nil {
		return err
	}
	for _, tensor := range s.Tensors {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := readInto(index, tensor); err != nil {
			return err
		}
	}
	return nil
}

func readInto(index *safetensors.Index, tensor safetensors.Weights) error {
	switch {
	case len(tensor.Values) == 0:
		return nil
	case len(tensor.Shape) > 0:
		return index.ReadRows(tensor.Name, 0, tensor.Values)
	default:
		values, err := index.Floats(tensor.Name)
		copy(tensor.Values, values)
		return err
	}
}

// compare demands that the section's file holds exactly its tensors.
func (s Section) compare(dir string) error {
	index, err := safetensors.OpenFile(filepath.Join(dir, s.file()))
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, tensor := range s.Tensors {
		wanted[tensor.Name] = true
		found, ok := index.Tensor(tensor.Name)
		if !ok {
			return &MismatchError{dir, fmt.Sprintf("%s: tensor %q", s.Name, tensor.Name), "not there", fmt.Sprintf("of shape %v", tensor.Shape)}
		}
		if found.DType != safetensors.F32 || !slices.Equal(found.Shape, tensor.Shape) {
			return &MismatchError{dir, fmt.Sprintf("%s: tensor %q", s.Name, tensor.Name),
				fmt.Sprintf("%s of shape %v", found.DType, found.Shape), fmt.Sprintf("F32 of shape %v", tensor.Shape)}
		}
	}
	for _, name := range index.Names() {
		if !wanted[name] {
			return &MismatchError{dir, fmt.Sprintf("%s: tensor %q", s.Name, name), "there", "without it"}
		}
	}
	return nil
}
