package ort

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	onnx "github.com/yalue/onnxruntime_go"

	"polylens/internal/ordinary"
)

// Environment is the process's ONNX Runtime. The library allows one; it is loaded by
// the first Open and lives as long as the process, because nothing is gained by
// unloading it.
type Environment struct {
	library string
}

// loaded guards the one environment that the library itself keeps as global
// state. It is the reason for the only package variable of this tree.
var loaded struct {
	sync.Mutex
	environment *Environment
}

// Remedy tells a user how to get the library.
const Remedy = "run `polylens setup` to fetch it, or point to libonnxruntime with --onnxruntime PATH"

// Open loads the ONNX Runtime library at the given path, or returns the
// environment already loaded from it. Safe for concurrent use.
func Open(library string) (*Environment, error) {
	path, err := resolve(library)
	if err != nil {
		return nil, err
	}
	loaded.Lock()
	defer loaded.Unlock()
	if loaded.environment != nil {
		return reuse(loaded.environment, path)
	}
	onnx.SetSharedLibraryPath(path)
	// Errors come back from the calls; at a lower level the library would also print
	// them, including those of canceled runs and of missing devices.
	if err := onnx.InitializeEnvironment(onnx.WithLogLevelFatal()); err != nil {
		return nil, fmt.Errorf("loading the ONNX Runtime library %s: %w; this build needs version 1.24 or later: %s", path, err, Remedy)
	}
	loaded.environment = &Environment{library: path}
	return loaded.environment, nil
}

func resolve(library string) (string, error) {
	if library == "" {
		return "", errors.New("no ONNX Runtime library is given: " + Remedy)
	}
	path, err := filepath.EvalSymlinks(library)
	if err != nil {
		return "", fmt.Errorf("the ONNX Runtime library is missing: %w: %s", err, Remedy)
	}
	if info, err := ordinary.Stat(path); err != nil || !info.Mode().IsRegular() {
		return "", fmt.Errorf("the ONNX Runtime library %s is no file: %s", path, Remedy)
	}
	return filepath.Abs(path)
}

func reuse(environment *Environment, path string) (*Environment, error) {
	if environment.library != path {
		return nil, fmt.Errorf("the ONNX Runtime library %s is already loaded; one process cannot load %s too", environment.library, path)
	}
	return environment, nil
}

// Version is the version of the loaded library, for example "1.32.0".
func (e *Environment) Version() string { return onnx.GetVersion() }

// Library is the path that the library was loaded from.
func (e *Environment) Library() string { return e.library }
