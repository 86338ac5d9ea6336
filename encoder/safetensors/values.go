package safetensors

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"

	"polylens/encoder/half"
)

// Floats reads a tensor of type F32, F16 or BF16 as float32.
func (x *Index) Floats(name string) ([]float32, error) {
	tensor, ok := x.tensors[name]
	if !ok {
		return nil, fmt.Errorf("%s holds no tensor %q", x.Dir, name)
	}
	values := make([]float32, tensor.Elements())
	return values, x.read(tensor, 0, values)
}

// ReadRows reads consecutive rows, along the first axis, of a tensor of type
// F32, F16 or BF16. As many are read as fill dst, whose length is a multiple of
// a row's.
func (x *Index) ReadRows(name string, first int64, dst []float32) error {
	tensor, ok := x.tensors[name]
	if !ok {
		return fmt.Errorf("%s holds no tensor %q", x.Dir, name)
	}
	if len(tensor.Shape) == 0 || tensor.Shape[0] == 0 {
		return fmt.Errorf("tensor %q of shape %v has no rows", name, tensor.Shape)
	}
	row := tensor.Elements() / tensor.Shape[0]
	if first < 0 || row == 0 || int64(len(dst))%row != 0 || int64(len(dst))/row > tensor.Shape[0]-first {
		return fmt.Errorf("tensor %q of shape %v has no %d values from row %d", name, tensor.Shape, len(dst), first)
	}
	return x.read(tensor, first*row, dst)
}

// Raw reads the bytes of a tensor as they are stored.
func (x *Index) Raw(name string) ([]byte, error) {
	tensor, ok := x.tensors[name]
	if !ok {
		return nil, fmt.Errorf("%s holds no tensor %q", x.Dir, name)
	}
	raw := make([]byte, tensor.Length)
	return raw, x.withFile(tensor, func(f io.ReaderAt) error {
		_, err := f.ReadAt(raw, tensor.Offset)
		return err
	})
}

// chunk is how many bytes are held while they are converted.
const chunk = 1 << 20

// read fills dst with the elements from first on.
func (x *Index) read(tensor Tensor, first int64, dst []float32) error {
	convert, ok := conversions[tensor.DType]
	if !ok {
		return fmt.Errorf("tensor %q has type %s; F32, F16 and BF16 can be read as numbers", tensor.Name, tensor.DType)
	}
	size := sizes[tensor.DType]
	return x.withFile(tensor, func(f io.ReaderAt) error {
		raw := make([]byte, min(chunk, size*int64(len(dst))))
		at := tensor.Offset + first*size
		for len(dst) > 0 {
			part := raw[:min(chunk, size*int64(len(dst)))]
			if _, err := f.ReadAt(part, at); err != nil {
				return err
			}
			convert(dst[:int64(len(part))/size], part)
			dst, at = dst[int64(len(part))/size:], at+int64(len(part))
		}
		return nil
	})
}

// withFile opens the file of a tensor, if it still is the one that was
// checked, for as long as use takes.
func (x *Index) withFile(tensor Tensor, use func(io.ReaderAt) error) error {
	f, err := x.files[tensor.File].open()
	if err == nil {
		err = errors.Join(use(f), f.Close())
	}
	if err != nil {
		return &FileError{filepath.Join(x.Dir, tensor.File), fmt.Errorf("cannot be read at tensor %q: %w", tensor.Name, err)}
	}
	return nil
}

// conversions turn stored elements into float32.
var conversions = map[DType]func(dst []float32, raw []byte){
	F32: func(dst []float32, raw []byte) {
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
	},
	BF16: func(dst []float32, raw []byte) {
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(raw[2*i:])) << 16)
		}
	},
	F16: func(dst []float32, raw []byte) {
		for i := range dst {
			dst[i] = half.From(binary.LittleEndian.Uint16(raw[2*i:]))
		}
	},
}
