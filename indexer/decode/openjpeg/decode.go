package openjpeg

// #include "shim.h"
import "C"

import (
	"bytes"
	"fmt"
	"image"
	"runtime"
	"strings"
	"unsafe"

	"polylens/indexer/decode/outside"
)

// OpenOutside is the Opener of this decoder for a process of its own. Request.Scale is
// how often each side is halved.
func OpenOutside(path string) (outside.Decode, error) {
	library, err := Open(path)
	if err != nil {
		return nil, err
	}
	return library.decodeOutside, nil
}

func (l *Library) decodeOutside(request outside.Request, allocate func(int) ([]byte, error)) (outside.Reply, error) {
	decoded, message := l.decode(request, false)
	var warnings []string
	if decoded == nil && request.Tolerant {
		if decoded, _ = l.decode(request, true); decoded != nil {
			warnings = []string{fmt.Sprintf("the file ends early or is damaged, and part of the picture may be missing (%s)", message)}
		}
	}
	if decoded == nil {
		return outside.Reply{}, refusal(message)
	}
	defer C.openjpeg_free(&l.functions, decoded)
	reply, err := convert(decoded, request, allocate)
	reply.Warnings = warnings
	return reply, err
}

// refusal is the error of a message. One of them is about memory without saying so.
func refusal(message string) error {
	if strings.Contains(message, "exceeds system limits") {
		return fmt.Errorf("%w: OpenJPEG says: %s", outside.ErrMemory, message)
	}
	return fmt.Errorf("OpenJPEG refuses it: %s", message)
}

// codestreamMagic is the beginning of a bare codestream: SOC and SIZ.
var codestreamMagic = []byte{0xFF, 0x4F, 0xFF, 0x51}

func (l *Library) decode(request outside.Request, tolerant bool) (*C.struct_openjpeg_image, string) {
	if len(request.Data) == 0 || request.Scale < 0 || request.Scale > 32 {
		return nil, "it has no bytes, or too small a scale"
	}
	var pinner runtime.Pinner // C gets a struct that points to the data
	defer pinner.Unpin()
	pinner.Pin(unsafe.SliceData(request.Data))
	work := C.struct_openjpeg_work{
		data: (*C.uint8_t)(unsafe.SliceData(request.Data)), size: C.size_t(len(request.Data)),
		reduce: C.uint32_t(request.Scale), width: C.uint32_t(request.Full.X), height: C.uint32_t(request.Full.Y),
	}
	if bytes.HasPrefix(request.Data, codestreamMagic) {
		work.codestream = 1
	}
	if tolerant {
		work.tolerant = 1
	}
	decoded := C.openjpeg_decode(&l.functions, &work)
	message := strings.TrimSpace(strings.ToValidUTF8(C.GoString(&work.message[0]), "?"))
	if message == "" {
		message = "it does not say why"
	}
	return decoded, message
}

// convert makes a picture of what the library gives.
func convert(decoded *C.struct_openjpeg_image, request outside.Request, allocate func(int) ([]byte, error)) (outside.Reply, error) {
	const mostComponents = 1 << 14 // of the standard
	n := int(decoded.numcomps)
	if n == 0 || n > mostComponents || decoded.comps == nil {
		return outside.Reply{}, fmt.Errorf("it has %d components", n)
	}
	channels := make([]channel, n)
	for i, c := range unsafe.Slice(decoded.comps, n) {
		var err error
		if channels[i], err = newChannel(c); err != nil {
			return outside.Reply{}, err
		}
	}
	if decoded.icc_profile_buf != nil && decoded.icc_profile_len == 0 { // so the library marks it
		return outside.Reply{}, fmt.Errorf("%w: the color space CIELab", outside.ErrUnsupported)
	}
	profile := profileOf(decoded)
	kind, err := kindOf(channels, int(decoded.color_space), profile)
	if err != nil {
		return outside.Reply{}, err
	}
	img, err := kind.paint(channels, request.Size, allocate)
	return outside.Reply{Image: img, Profile: profile}, err
}

// profileOf copies the ICC profile, nil without one.
func profileOf(decoded *C.struct_openjpeg_image) []byte {
	if decoded.icc_profile_buf == nil || decoded.icc_profile_len == 0 {
		return nil
	}
	return bytes.Clone(unsafe.Slice((*byte)(decoded.icc_profile_buf), int(decoded.icc_profile_len)))
}

func newChannel(c C.struct_openjpeg_component) (channel, error) {
	const mostBits = 31 // that fit what the library keeps
	if c.data == nil || c.w == 0 || c.h == 0 {
		return channel{}, fmt.Errorf("a component has no samples")
	}
	if c.prec == 0 || c.prec > mostBits {
		return channel{}, fmt.Errorf("%w: samples of %d bits", outside.ErrUnsupported, c.prec)
	}
	return channel{
		samples: unsafe.Slice((*int32)(c.data), int(c.w)*int(c.h)), size: image.Pt(int(c.w), int(c.h)),
		bits: int(c.prec), signed: c.sgnd != 0, alpha: alpha(c.alpha),
	}, nil
}
