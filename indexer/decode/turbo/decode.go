package turbo

// #include "shim.h"
import "C"

import (
	"errors"
	"fmt"
	"image"
	"runtime"
	"unsafe"
)

// ErrRefused is returned, wrapped, for a JPEG that the library cannot read or, unless
// it is to be tolerant, warns about.
var ErrRefused = errors.New("libjpeg-turbo refuses it")

// Points are the reductions of Decode: how many samples of a row or column are
// made of 8. Others exist, but only these are as fast.
var Points = [...]int{1, 2, 4, 8}

// Reduced is a side of a picture after reduction, in pixels.
func Reduced(side, points int) int { return (side*points + 7) / 8 }

// Want is what Decode is to do.
type Want struct {
	Full     image.Point // of the picture in the file, as the caller has read it
	Points   int         // one of Points; 8 for samples of more than 8 bits and for what is lossless
	Tolerant bool        // a damaged picture is wanted as far as it goes

	// Allocate gives memory for pixels; nil takes that of Go.
	Allocate func(bytes int) ([]byte, error)
}

// The parts of turbojpeg.h that are needed here.
const (
	colorsGray = 2
	colorsCMYK = 3
	colorsYCCK = 4

	formatGray = 6
	formatRGBA = 7
	formatCMYK = 11
)

// Decode reads a JPEG as *image.Gray, as opaque *image.NRGBA or as *image.CMYK, each side
// reduced for Want.Points and rounded up. At full size the pixels are those of Pillow,
// to the bit. Samples of more than 8 bits keep the high ones. The sentence, "" as a rule,
// says what is wrong with a damaged picture. It cannot be interrupted.
func (l *Library) Decode(data []byte, want Want) (img image.Image, damage string, err error) {
	if len(data) == 0 {
		return nil, "", fmt.Errorf("%w: it has no bytes", ErrRefused)
	}
	handle := C.turbo_open(&l.functions)
	if handle == nil {
		return nil, "", errors.New("no memory is left")
	}
	defer C.turbo_close(&l.functions, handle)
	var pinner runtime.Pinner // C gets a struct that points to the data
	defer pinner.Unpin()
	pinner.Pin(unsafe.SliceData(data))
	p := C.struct_turbo_picture{data: (*C.uchar)(unsafe.SliceData(data)), size: C.size_t(len(data)), tolerant: flag(want.Tolerant)}
	if message := C.turbo_header(&l.functions, handle, &p); message != nil {
		return nil, "", refused(message)
	}
	if err := prepare(&p, want); err != nil {
		return nil, "", err
	}
	return l.decompress(handle, &p, data, want)
}

// prepare says what is wanted of a picture whose header has been read.
func prepare(p *C.struct_turbo_picture, want Want) error {
	if full := image.Pt(int(p.width), int(p.height)); full != want.Full {
		return fmt.Errorf("%w: it has %v pixels instead of %v", ErrRefused, full, want.Full)
	}
	if want.Points != 8 && (p.bits > 8 || p.lossless != 0) {
		return fmt.Errorf("%w: its kind cannot be reduced", ErrRefused)
	}
	p.wanted_width, p.wanted_height = C.int(Reduced(want.Full.X, want.Points)), C.int(Reduced(want.Full.Y, want.Points))
	switch p.colors {
	case colorsGray:
		p.format = formatGray
	case colorsCMYK, colorsYCCK:
		p.format = formatCMYK
	default:
		p.format = formatRGBA
	}
	return nil
}

func (l *Library) decompress(handle unsafe.Pointer, p *C.struct_turbo_picture, data []byte, want Want) (image.Image, string, error) {
	samples := int(p.wanted_width) * int(p.wanted_height)
	if p.format != formatGray {
		samples *= 4
	}
	bytesPerSample := 1
	if p.bits > 8 {
		bytesPerSample = 2
	}
	if want.Allocate == nil {
		want.Allocate = func(bytes int) ([]byte, error) { return make([]byte, bytes), nil }
	}
	pixels, err := want.Allocate(samples * bytesPerSample)
	if err != nil {
		return nil, "", err
	}
	var damaged C.int
	message := C.turbo_decompress(&l.functions, handle, p, unsafe.Pointer(unsafe.SliceData(pixels)), &damaged)
	if message != nil && damaged == 0 {
		return nil, "", refused(message)
	}
	if bytesPerSample == 2 {
		pixels = highBits(pixels, int(p.bits))
	}
	img := imageOf(pixels, p)
	if message == nil {
		return img, "", nil
	}
	return img, damageOf(data, img, want, C.GoString(message)), nil
}

// highBits keeps the upper 8 bits of samples, in place.
func highBits(pixels []byte, bits int) []byte {
	samples := unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(pixels))), len(pixels)/2)
	for i, sample := range samples {
		pixels[i] = byte(sample >> (bits - 8))
	}
	return pixels[:len(samples)]
}

func imageOf(pixels []byte, p *C.struct_turbo_picture) image.Image {
	rect := image.Rect(0, 0, int(p.wanted_width), int(p.wanted_height))
	switch p.format {
	case formatGray:
		return &image.Gray{Pix: pixels, Stride: rect.Dx(), Rect: rect}
	case formatRGBA:
		return &image.NRGBA{Pix: pixels, Stride: 4 * rect.Dx(), Rect: rect}
	}
	for i := range pixels { // Adobe's programs, and so all others, store how much ink is missing
		pixels[i] = ^pixels[i]
	}
	return &image.CMYK{Pix: pixels, Stride: 4 * rect.Dx(), Rect: rect}
}

func refused(message *C.char) error { return fmt.Errorf("%w: %s", ErrRefused, C.GoString(message)) }

func flag(b bool) C.int {
	if b {
		return 1
	}
	return 0
}
