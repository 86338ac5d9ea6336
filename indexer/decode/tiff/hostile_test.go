package tiff

import (
	"bytes"
	"compress/lzw"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"
)

// allocated is what f allocates.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// What a file claims costs nothing before it has been seen to fit.
func TestHeaderIsCheap(t *testing.T) {
	const huge = math.MaxUint32
	page := grey(8, 8, nil)
	deepLoop := build(nil, page.with(tagNewSubfileType, maskPage))
	binary.LittleEndian.PutUint32(deepLoop[len(deepLoop)-4:], 8) // the directory is its own next
	for name, data := range map[string][]byte{
		"sides":          build(nil, grey(math.MaxInt32, math.MaxInt32, nil)),
		"tiles":          build(nil, page.with(tagTileWidth, huge).with(tagTileLength, huge).with(tagTileOffsets, 8)),
		"samples":        build(nil, page.with(tagSamplesPerPixel, 65535).with(tagBitsPerSample, 64)),
		"rows":           build(nil, page.with(tagRowsPerStrip, huge)),
		"loop":           deepLoop,
		"BigTIFF, tags":  append([]byte("II+\x00\x08\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00"), bytes.Repeat([]byte{0xff}, 4000)...),
		"BigTIFF, where": []byte("II+\x00\x08\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"),
		"values":         bytes.Replace(build(nil, page.with(tagStripOffsets, 1, 2)), []byte{0x11, 1, 4, 0, 2, 0, 0, 0}, []byte{0x11, 1, 4, 0, 255, 255, 255, 255}, 1),
	} {
		start := time.Now()
		var h Header
		var err error
		if n := allocated(func() { h, err = ReadHeader(data); CameraRaw(data) }); n > 1<<20 {
			t.Errorf("%s: %d bytes are allocated", name, n)
		}
		if d := time.Since(start); d > time.Second {
			t.Errorf("%s takes %v", name, d)
		}
		t.Logf("%s: memory %d, %v", name, h.Memory, err)
	}
}

// Decode stays within what the header says.
func TestMemory(t *testing.T) {
	ref := readReference(t)
	for _, file := range ref.Files {
		data := fixture(t, file.Name)
		h, err := ReadHeader(data)
		if err != nil {
			continue
		}
		n := allocated(func() { _, _, _ = Decode(t.Context(), data, testCodecs) })
		if n > h.Memory {
			t.Errorf("%s: %d bytes are allocated, the header says %d", file.Name, n, h.Memory)
		}
	}
}

// Few bytes that unfold to many cost no more than the page has room for.
func TestBombs(t *testing.T) {
	var zeros bytes.Buffer
	w := zlib.NewWriter(&zeros)
	if _, err := w.Write(make([]byte, 64<<20)); err != nil {
		t.Fatal(err)
	}
	w.Close()
	for compression, strip := range map[uint32][]byte{deflate: zeros.Bytes(), packBits: bytes.Repeat([]byte{0x81, 0}, 1<<20)} {
		data := build(strip, grey(8, 8, strip).with(tagCompression, compression))
		n := allocated(func() {
			if _, _, err := Decode(t.Context(), data, Codecs{}); err != nil {
				t.Error(err)
			}
		})
		if n > 1<<20 {
			t.Errorf("compression %d: %d bytes are allocated", compression, n)
		}
	}
}

func TestContext(t *testing.T) {
	pixels := make([]byte, 1<<20)
	data := build(pixels, grey(1024, 1024, pixels))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Decode(ctx, data, Codecs{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// What is not read is named; testdata has more of it.
func TestUnsupported(t *testing.T) {
	page := grey(8, 8, nil)
	colors := page.with(tagPhotometric, ycbcr).with(tagSamplesPerPixel, 3)
	inks := page.with(tagPhotometric, separated).with(tagSamplesPerPixel, 6)
	for says, p := range map[string]tags{
		"LERC":                 page.with(tagCompression, 34887),
		"compression 12345":    page.with(tagCompression, 12345),
		"6 inks":               inks.with(tagInkSet, otherInks),
		"3 x 1 pixels":         colors.with(tagYCbCrSubsampling, 3, 1),
		"in 3 planes":          colors.with(tagYCbCrSubsampling, 2, 2).with(tagPlanarConfiguration, 2),
		"0 bits":               page.with(tagBitsPerSample, 0),
		"65 bits":              page.with(tagBitsPerSample, 65),
		"number of 12 bits":    page.with(tagBitsPerSample, 12).with(tagSampleFormat, floatingPoint),
		"predictor 2 with":     page.with(tagBitsPerSample, 12).with(tagCompression, deflate).with(tagPredictor, horizontalPredictor),
		"predictor 9":          page.with(tagCompression, deflate).with(tagPredictor, 9),
		"palette of 16 bits":   page.with(tagBitsPerSample, 16).with(tagPhotometric, palette).with(tagColorMap, 1, 2, 3),
		"samples of 32 bits":   page.with(tagBitsPerSample, 32).with(tagPhotometric, cieLab),
		"interpretation 51177": page.with(tagPhotometric, 51177),
		"uncompressed mode":    page.with(tagBitsPerSample, 1).with(tagCompression, faxGroup3).with(tagT4Options, 2).with(tagStripOffsets, 0),
		"WebP of 1 samples":    page.with(tagCompression, webpInTIFF).with(tagStripOffsets, 0),
		"mosaic of a camera's": page.with(tagPhotometric, mosaic),
	} {
		_, _, err := Decode(t.Context(), build(nil, p), Codecs{})
		var unsupported UnsupportedError
		if !errors.As(err, &unsupported) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v; want it to say %q", err, says)
		}
	}
	if _, err := ReadHeader(build(nil, inks)); err != nil {
		t.Errorf("CMYK with two more samples: %v", err)
	}
}

// Software before TIFF 5.0 wrote codes from the low bit on, as GIF does.
func TestOldLZW(t *testing.T) {
	pixels := make([]byte, 200*100)
	for i := range pixels {
		pixels[i] = byte(i * i / 300)
	}
	var strip bytes.Buffer
	w := lzw.NewWriter(&strip, lzw.LSB, 8)
	if _, err := w.Write(pixels); err != nil {
		t.Fatal(err)
	}
	w.Close()
	data := build(strip.Bytes(), grey(200, 100, strip.Bytes()).with(tagCompression, lzwCompression))
	img, warnings, err := Decode(t.Context(), data, Codecs{})
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	if !bytes.Equal(img.(*image.Gray).Pix, pixels) {
		t.Error("the pixels differ")
	}
}

func TestDamageIsExplained(t *testing.T) {
	pixels := make([]byte, 64)
	page := grey(8, 8, pixels)
	var format FormatError
	for says, data := range map[string][]byte{
		"ends within its header": []byte("II*\x00"),
		"it begins with":         []byte("II-\x00\x08\x00\x00\x00\x00\x00"),
		"that of a BigTIFF":      []byte("II+\x00\x04\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00"),
		"beyond its end":         build(nil, page)[:8],
		"how wide and high":      build(nil, page.with(tagImageWidth, 0)),
		"where its pixels are":   build(nil, page.with(tagStripOffsets)),
		"palette is missing":     build(nil, page.with(tagPhotometric, palette)),
		"the file was cut off":   build(nil, page.with(tagStripOffsets, 1<<20).with(tagCompression, deflate)),
		"pixels are missing":     build(nil, page.with(tagStripOffsets, 1<<20)),
		"like a fax":             build(pixels, page.with(tagCompression, faxGroup4)),
	} {
		img, _, err := Decode(t.Context(), data, Codecs{})
		if img != nil || !errors.As(err, &format) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v; want it to say %q", err, says)
		}
	}
}
