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
	"image"
	"runtime"
	"unsafe"
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
	names := systemNames()
	if path != "" {
		names = []string{path}
	}
	var failures []error
	for _, name := range names {
		library := &Library{name: name}
		err := library.load()
		if err == nil {
			return library, nil
		}
		failures = append(failures, err)
	}
	return nil, fmt.Errorf("libjpeg-turbo cannot be loaded: install it (Debian: apt-get install libturbojpeg0) or name libturbojpeg.so.0 of version 2.1 or newer: %w",
		errors.Join(failures...))
}

func systemNames() []string {
	if runtime.GOOS == "darwin" {
		return []string{"libturbojpeg.dylib", "/opt/homebrew/lib/libturbojpeg.dylib", "/usr/local/lib/libturbojpeg.dylib"}
	}
	return []string{"libturbojpeg.so.0"}
}

func (l *Library) load() error {
	name := C.CString(l.name)
	defer C.free(unsafe.Pointer(name))
	// What dlerror says belongs to the thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if message := C.turbo_load(&l.functions, name); message != nil {
		return errors.New(C.GoString(message))
	}
	return nil
}

// Name is the path that was given, or the name under which the system has it.
func (l *Library) Name() string { return l.name }

// ErrRefused is returned, wrapped, for a JPEG that the library cannot read or
// warns about.
var ErrRefused = errors.New("libjpeg-turbo refuses it")

// Points are the reductions of Decode: how many samples of a row or column are
// made of 8. Others exist, but only these are as fast.
var Points = [...]int{1, 2, 4, 8}

// Reduced is a side of a picture after reduction, in pixels.
func Reduced(side, points int) int { return (side*points + 7) / 8 }

// Decode reads a JPEG of width x height pixels, both positive, as opaque
// pixels, each side reduced for one of Points, and rounded up. At full size they
// are those of Pillow, to the bit. It cannot be interrupted.
func (l *Library) Decode(data []byte, width, height, points int) (*image.NRGBA, error) {
	if len(data) == 0 {
		return nil, fmt.Errorf("%w: it has no bytes", ErrRefused)
	}
	img := image.NewNRGBA(image.Rect(0, 0, Reduced(width, points), Reduced(height, points)))
	var buffer [200]byte // as long as what tjGetErrorStr2 returns
	message := (*C.char)(unsafe.Pointer(&buffer[0]))
	failed := C.turbo_decompress(&l.functions, bytesOf(data), C.ulong(len(data)), bytesOf(img.Pix),
		sizeOf(width, height), sizeOf(img.Rect.Dx(), img.Rect.Dy()), message, C.int(len(buffer)))
	if failed != 0 {
		return nil, fmt.Errorf("%w: %s", ErrRefused, C.GoString(message))
	}
	return img, nil
}

func sizeOf(width, height int) C.struct_turbo_size {
	return C.struct_turbo_size{width: C.int(width), height: C.int(height)}
}

func bytesOf(b []byte) *C.uchar { return (*C.uchar)(unsafe.Pointer(unsafe.SliceData(b))) }
