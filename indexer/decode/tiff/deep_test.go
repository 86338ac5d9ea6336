package tiff

import (
	"encoding/binary"
	"image"
	"image/color"
	"math"
	"testing"
)

// With a profile, more than 8 bits are kept; without one, the high bits.
func TestProfileKeepsWords(t *testing.T) {
	const profile = 1
	words := func(values ...uint16) (out []byte) {
		for _, v := range values {
			out = binary.LittleEndian.AppendUint16(out, v)
		}
		return out
	}
	floats := func(values ...float32) (out []byte) {
		for _, v := range values {
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
		}
		return out
	}
	page := func(pixels []byte) tags {
		return grey(1, 1, pixels).with(tagBitsPerSample, 16).with(tagICCProfile, profile)
	}
	colors := func(p tags, n uint32) tags { return p.with(tagPhotometric, rgb).with(tagSamplesPerPixel, n) }
	gray, three, four := words(0x1234), words(0x1234, 0x5678, 0x9abc), words(0x1234, 0x5678, 0x9abc, 0xdef0)
	for name, tt := range map[string]struct {
		pixels []byte
		page   tags
		want   color.Color
	}{
		"grey":                  {gray, page(gray), color.Gray16{0x1234}},
		"white is zero":         {gray, page(gray).with(tagPhotometric, whiteIsZero), color.Gray16{0xedcb}},
		"signed":                {gray, page(gray).with(tagSampleFormat, signedInteger), color.Gray16{0x2468}},
		"12 bits":               {[]byte{0x12, 0x30}, page(gray).with(tagBitsPerSample, 12), color.Gray16{0x1231}},
		"RGB":                   {three, colors(page(three), 3), color.RGBA64{0x1234, 0x5678, 0x9abc, 0xffff}},
		"alpha":                 {four, colors(page(four), 4).with(tagExtraSamples, unassociated), color.NRGBA64{0x1234, 0x5678, 0x9abc, 0xdef0}},
		"premultiplied":         {four, colors(page(four), 4).with(tagExtraSamples, associated), color.RGBA64{0x1234, 0x5678, 0x9abc, 0xdef0}},
		"floating point":        {floats(0.5), page(gray).with(tagBitsPerSample, 32).with(tagSampleFormat, floatingPoint), color.Gray16{0x8000}},
		"8 bits":                {[]byte{7}, page(gray).with(tagBitsPerSample, 8), color.Gray{7}},
		"grey without profile":  {gray, page(gray).with(tagICCProfile), color.Gray{0x12}},
		"RGB without profile":   {three, colors(page(three), 3).with(tagICCProfile), color.RGBA{0x12, 0x56, 0x9a, 0xff}},
		"CMYK keeps high bytes": {four, page(four).with(tagPhotometric, separated).with(tagSamplesPerPixel, 4), color.CMYK{0x12, 0x56, 0x9a, 0xde}},
	} {
		t.Run(name, func(t *testing.T) {
			img, _, err := Decode(t.Context(), build(tt.pixels, tt.page), Codecs{})
			if err != nil {
				t.Fatal(err)
			}
			if got := img.At(0, 0); got != tt.want || img.Bounds() != image.Rect(0, 0, 1, 1) {
				t.Errorf("%T %v, want %T %v", got, got, tt.want, tt.want)
			}
		})
	}
}

func TestSmallFloat(t *testing.T) {
	for bits, want := range map[uint32]float32{0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x0001: 5.9604645e-08, 0x0400: 6.1035156e-05, 0: 0} {
		if got := smallFloat(bits, 5, 10); got != want {
			t.Errorf("%#x: %v, want %v", bits, got, want)
		}
	}
	if got := smallFloat(0x3f8000, 7, 16); got != 1.5 { // of 24 bits: sign, 7, 16
		t.Errorf("24 bits: %v", got)
	}
	if got := smallFloat(0x7e00, 5, 10); got == got {
		t.Errorf("not a number is %v", got)
	}
	if got := smallFloat(0xfc00, 5, 10); !math.IsInf(float64(got), -1) {
		t.Errorf("infinity is %v", got)
	}
}
