package turbo

/*
#cgo linux LDFLAGS: -ldl
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"polylens/indexer/decode/library"
)

// Library is libjpeg-turbo, open until the process ends. It is safe for
// concurrent use.
type Library struct {
	name      string
	functions C.struct_turbo
}

// Open loads the library at path; with "" the one that the system has under
// its usual name. The error says how to get one.
func Open(path string) (*Library, error) {
	opened, err := library.Open(path, systemNames(), load)
	if err == nil {
		return opened, nil
	}
	return nil, fmt.Errorf("libjpeg-turbo cannot be loaded: install it (Debian: apt-get install libturbojpeg0) or name libturbojpeg.so.0 of version 2.1 or newer: %w", err)
}

func systemNames() []string {
	if runtime.GOOS == "darwin" {
		return []string{"libturbojpeg.dylib", "/opt/homebrew/lib/libturbojpeg.dylib", "/usr/local/lib/libturbojpeg.dylib"}
	}
	return []string{"libturbojpeg.so.0"}
}

func load(name string) (*Library, error) {
	l := &Library{name: name}
	path := C.CString(name)
	defer C.free(unsafe.Pointer(path))
	// What dlerror says belongs to the thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if message := C.turbo_load(&l.functions, path); message != nil {
		return nil, errors.New(C.GoString(message))
	}
	return l, nil
}

// Name is the path that was given, or the name under which the system has it.
func (l *Library) Name() string { return l.name }
