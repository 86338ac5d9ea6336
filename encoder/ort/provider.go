package ort

// #cgo linux LDFLAGS: -ldl
// #include <dlfcn.h>
// #include <stdlib.h>
import "C"

import (
	"debug/elf"
	"os"
	"path/filepath"
	"unsafe"
)

// providerFile is the library, beside the library itself, that holds a
// device's provider. CoreML's is built in.
var providerFile = map[string]string{
	CUDA:     "libonnxruntime_providers_cuda.so",
	TensorRT: "libonnxruntime_providers_tensorrt.so",
	OpenVINO: "libonnxruntime_providers_openvino.so",
}

func (e *Environment) providerPath(kind string) string {
	return filepath.Join(filepath.Dir(e.library), providerFile[kind])
}

func (e *Environment) hasProvider(kind string) bool {
	_, err := os.Stat(e.providerPath(kind))
	return err == nil
}

// missing lists the libraries that a device's provider needs and that cannot
// be loaded.
func (e *Environment) missing(kind string) []string {
	file, err := elf.Open(e.providerPath(kind))
	if err != nil {
		return nil // CoreML, or not Linux
	}
	defer file.Close()
	needed, err := file.ImportedLibraries()
	if err != nil {
		return nil
	}
	var missing []string
	for _, library := range needed {
		if !loads(library) && !loads(filepath.Join(filepath.Dir(e.library), library)) {
			missing = append(missing, describe(library))
		}
	}
	return missing
}

// loads reports whether the system's loader finds a library and all that it needs.
func loads(library string) bool {
	name := C.CString(library)
	defer C.free(unsafe.Pointer(name))
	handle := C.dlopen(name, C.RTLD_LAZY|C.RTLD_LOCAL)
	if handle == nil {
		return false
	}
	C.dlclose(handle)
	return true
}

// describe adds what a library belongs to, as far as users install it.
func describe(library string) string {
	belongs := []struct{ pattern, product string }{
		{"libcuda.so*", "the NVIDIA driver"},
		{"libcudnn*", "cuDNN"},
		{"libnv*", "TensorRT"},
		{"libcu*", "the CUDA toolkit"},
		{"libopenvino*", "OpenVINO"},
	}
	for _, owner := range belongs {
		if match, _ := filepath.Match(owner.pattern, library); match {
			return library + " of " + owner.product
		}
	}
	return library
}
