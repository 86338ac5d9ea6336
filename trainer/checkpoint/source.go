package checkpoint

import (
	"io"
	"path/filepath"
	"slices"

	"polylens/encoder/safetensors"
	"polylens/internal/ordinary"
)

// source is a tensor as it is to be written, and where its numbers come from.
type source struct {
	safetensors.Tensor
	changed  []float32          // nil for a tensor of the original
	original *safetensors.Index // nil for a changed one
	convert  bool               // from the type that it has in the original
}

// numbers are the types between which tensors are converted.
var numbers = []safetensors.DType{safetensors.F32, safetensors.F16, safetensors.BF16}

// kept is a tensor of the original that is not changed.
func (m Model) kept(tensor safetensors.Tensor) source {
	kept := source{Tensor: tensor, original: m.Original}
	if m.Matrices != "" && len(tensor.Shape) >= 2 && slices.Contains(numbers, tensor.DType) {
		kept.convert, kept.DType = tensor.DType != m.Matrices, m.Matrices
	}
	return kept
}

// width is the bytes of an element.
func (s source) width() int64 {
	count := elements(s.Shape)
	if count <= 0 {
		return 0 // has no bytes to be aligned
	}
	return s.bytes() / count
}

func (s source) bytes() int64 {
	switch {
	case s.original != nil && !s.convert:
		return s.Length
	case s.DType == safetensors.F32:
		return 4 * elements(s.Shape)
	default:
		return 2 * elements(s.Shape)
	}
}

func (s source) write(to io.Writer) error {
	switch {
	case s.original == nil:
		return writeValues(to, s.DType, s.changed)
	case s.convert:
		return s.writeConverted(to)
	}
	file, err := ordinary.Open(filepath.Join(s.original.Dir, s.File))
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.CopyN(to, io.NewSectionReader(file, s.Offset, s.Length), s.Length)
	return err
}

// writeConverted reads some rows at a time: a table of tokens may be large.
func (s source) writeConverted(to io.Writer) error {
	if s.Length == 0 {
		return nil
	}
	rows, row := s.Shape[0], elements(s.Shape[1:])
	some := min(rows, max(1, chunk/row))
	values := make([]float32, some*row)
	for first := int64(0); first < rows; first += some {
		part := values[:min(some, rows-first)*row]
		if err := s.original.ReadRows(s.Name, first, part); err != nil {
			return err
		}
		if err := writeValues(to, s.DType, part); err != nil {
			return err
		}
	}
	return nil
}
