package openjpeg

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

// Library is OpenJPEG, open until the process ends. It is safe for concurrent use.
type Library struct {
	name      string
	functions C.struct_openjpeg
}

// Open loads the library at path; with "" the one that the system has under its usual
// name. The error says how to get one.
func Open(path string) (*Library, error) {
	opened, err := library.Open(path, systemNames(), load)
	if err == nil {
		return opened, nil
	}
	return nil, fmt.Errorf("OpenJPEG cannot be loaded: install it (Debian: apt-get install libopenjp2-7) or name libopenjp2.so.7 of version 2.3 or newer: %w", err)
}

func systemNames() []string {
	if runtime.GOOS == "darwin" {
		return []string{"libopenjp2.dylib", "/opt/homebrew/lib/libopenjp2.dylib", "/usr/local/lib/libopenjp2.dylib"}
	}
	return []string{"libopenjp2.so.7"}
}

func load(name string) (*Library, error) {
	l := &Library{name: name}
	path := C.CString(name)
	defer C.free(unsafe.Pointer(path))
	// What dlerror says belongs to the thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if message := C.openjpeg_load(&l.functions, path); message != nil {
		return nil, errors.New(C.GoString(message))
	}
	return l, supported(l.Version())
}

// supported refuses versions whose structures may differ from those in shim.h.
func supported(version string) error {
	var major, minor int
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil || major != 2 || minor < 3 {
		return fmt.Errorf("version %q is not 2.3 or a later 2", version)
	}
	return nil
}

// Name is the path that was given, or the name under which the system has it.
func (l *Library) Name() string { return l.name }

// Version is that of the library, such as "2.5.4".
func (l *Library) Version() string { return C.GoString(C.openjpeg_version(&l.functions)) }
