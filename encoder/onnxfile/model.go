package onnxfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"polylens/internal/ordinary"
)

// Options say what is admitted beyond the default.
type Options struct {
	// AllowHardLinks admits files that have another name elsewhere. The view
	// that the hub makes of a Hugging Face cache consists of such files.
	AllowHardLinks bool
}

// Model is a checked model.
type Model struct {
	Path          string         // of the file
	Dir           string         // its folder, which external data is relative to
	Bytes         []byte         // the checked model, to be given to ONNX Runtime instead of the path; see the package
	Inputs        []Port         // that must be fed: without those that have an initializer
	Outputs       []Port         // in the order of the file
	ExternalFiles []string       // beside the model, relative to Dir, with slashes, sorted
	WeightBytes   int64          // of all tensors, wherever they lie
	IRVersion     int64          // of the file format
	Opset         int64          // version of the standard operators
	Producer      string         // as the file says
	Operators     map[string]int // how often each occurs; "com.microsoft.Gelu" outside the standard domain
}

// Open reads and checks a model. Errors are *FileError, and hold a
// *CacheLinkError where that is the reason.
func Open(path string, options Options) (*Model, error) {
	model, err := open(path, options)
	if err == nil {
		return model, nil
	}
	var problem *FileError
	if !errors.As(err, &problem) {
		problem = &FileError{Err: err}
	}
	problem.Path = path
	return nil, problem
}

func open(path string, options Options) (*Model, error) {
	content, err := readModel(path, options)
	if err != nil {
		return nil, err
	}
	model, tensors, err := check(content)
	if err != nil {
		return nil, err
	}
	model.Path, model.Dir = path, filepath.Dir(path)
	files, err := checkFiles(model.Dir, tensors, options)
	itself := func(file string) bool { return file == filepath.Base(path) }
	model.ExternalFiles = slices.DeleteFunc(files, itself)
	return model, err
}

// check does everything that needs no other file.
func check(content []byte) (*Model, []*tensor, error) {
	decoded, err := decodeModel(content)
	if err != nil {
		return nil, nil, err
	}
	if _, err := checkGraph(decoded.graph, nil); err != nil {
		return nil, nil, err
	}
	operators, err := checkOperators(decoded)
	if err != nil {
		return nil, nil, err
	}
	model := &Model{
		Bytes: content, Inputs: requiredInputs(decoded.graph), Outputs: decoded.graph.outputs,
		IRVersion: decoded.ir, Opset: decoded.opsets[""], Producer: decoded.producer, Operators: operators,
	}
	for _, tensor := range decoded.tensors {
		model.WeightBytes += tensor.bytes
	}
	return model, decoded.tensors, checkPorts(model)
}

// requiredInputs leaves out inputs whose value the model itself holds.
func requiredInputs(g *graphMessage) []Port {
	held := map[string]bool{}
	for _, name := range g.initializers {
		held[name] = true
	}
	var required []Port
	for _, input := range g.inputs {
		if !held[input.Name] {
			required = append(required, input)
		}
	}
	return required
}

func checkPorts(m *Model) error {
	if len(m.Outputs) == 0 {
		return errors.New("has no outputs")
	}
	for _, port := range slices.Concat(m.Inputs, m.Outputs) {
		if _, known := layouts[port.DType]; !known {
			return fmt.Errorf("has the input or output %v, which is no tensor of numbers", port)
		}
	}
	return nil
}

// readModel reads a regular file, once: what is checked then is what is run,
// whatever happens to the file.
func readModel(path string, options Options) ([]byte, error) {
	f, size, err := openRegular(path, options)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return detach(f, size, filepath.Base(path))
}

// openRegular opens a file that is no link, device or pipe, and still is the
// same when it is open.
func openRegular(path string, options Options) (*ordinary.File, int64, error) {
	info, err := ordinary.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, errors.New("is missing")
	}
	if err != nil {
		return nil, 0, err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		return nil, 0, linkError(path)
	}
	if err := checkRegular(info, filepath.Base(path), options); err != nil {
		return nil, 0, err
	}
	if info.Size() > maxFile {
		return nil, 0, fmt.Errorf("has %d bytes, more than the 2 GiB that ONNX allows: export it with external data", info.Size())
	}
	f, err := ordinary.Open(path)
	if err != nil {
		return nil, 0, err
	}
	opened, err := f.Stat()
	if err == nil && !os.SameFile(info, opened) {
		err = errors.New("is being exchanged while it is read")
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}
