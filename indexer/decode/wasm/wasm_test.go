package wasm

import (
	"errors"
	"image"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

const enough = 64 << 20

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The pixels are compared with a reference in package decode.
func TestDecode(t *testing.T) {
	var heic HEIC
	var avif AVIF
	img, err := heic.Decode(t.Context(), read(t, "orientation6.heic"), 8, 1000, enough)
	if err != nil || img.Bounds() != image.Rect(0, 0, 16, 24) {
		t.Errorf("HEIC: %v, %v; want it upright", img, err)
	}
	stored, err := avif.Decode(t.Context(), read(t, "orientation6.avif"), 24, 16, enough)
	if err != nil || stored.Rect != image.Rect(0, 0, 24, 16) {
		t.Errorf("AVIF: %v, %v; want it as it is stored", stored, err)
	}
}

func TestBounds(t *testing.T) {
	var heic HEIC
	var avif AVIF
	for _, memory := range []int64{0, 64 << 10, 200 << 10} {
		if _, err := heic.Decode(t.Context(), read(t, "orientation1.heic"), 8, 1000, memory); !errors.Is(err, ErrMemory) {
			t.Errorf("HEIC in %d bytes: %v, want %v", memory, err, ErrMemory)
		}
		if _, err := avif.Decode(t.Context(), read(t, "orientation1.avif"), 24, 16, memory); !errors.Is(err, ErrMemory) {
			t.Errorf("AVIF in %d bytes: %v, want %v", memory, err, ErrMemory)
		}
	}
	if _, err := avif.Decode(t.Context(), read(t, "orientation1.avif"), 24, 16, 1800<<10); !errors.Is(err, ErrMemory) {
		t.Errorf("AVIF in what it begins with and little more: %v, want %v", err, ErrMemory)
	}
	if _, err := heic.Decode(t.Context(), read(t, "orientation1.heic"), 8, 24*16-1, enough); !errors.Is(err, ErrDecode) {
		t.Errorf("more pixels than allowed: %v", err)
	}
	if _, err := avif.Decode(t.Context(), read(t, "orientation1.avif"), 24, 17, enough); !errors.Is(err, ErrDecode) {
		t.Errorf("another height: %v", err)
	}
}

func TestDamaged(t *testing.T) {
	var heic HEIC
	var avif AVIF
	for name, decode := range map[string]func([]byte) error{
		"orientation1.heic": func(data []byte) error { _, err := heic.Decode(t.Context(), data, 8, 1000, enough); return err },
		"orientation1.avif": func(data []byte) error { _, err := avif.Decode(t.Context(), data, 24, 16, enough); return err },
	} {
		data := read(t, name)
		for n := 0; n < len(data); n += len(data) / 40 {
			if err := decode(data[:n]); !errors.Is(err, ErrDecode) {
				t.Errorf("%s cut at %d: %v, want %v", name, n, err, ErrDecode)
			}
		}
		if err := decode(data); err != nil {
			t.Errorf("%s after damaged ones: %v", name, err)
		}
	}
}

func TestConcurrent(t *testing.T) {
	var avif AVIF
	data := read(t, "alpha.avif")
	want, err := avif.Decode(t.Context(), data, 24, 16, enough)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			got, err := avif.Decode(t.Context(), data, 24, 16, enough)
			if err != nil || string(got.Pix) != string(want.Pix) {
				t.Errorf("another picture, or %v", err)
			}
		})
	}
	group.Wait()
}

func TestCopySamples(t *testing.T) {
	to := make([]byte, 2)
	copySamples(to, []byte{0xCD, 0xAB, 0x34, 0x12}, 2)
	if to[0] != 0xAB || to[1] != 0x12 {
		t.Errorf("%x", to)
	}
}

// Samples of more than 8 bits come as 8, though libheif leaves 16 where it converts
// nothing. The files are of app/conformance.
func TestDeepHEIC(t *testing.T) {
	var heic HEIC
	for name, bits := range map[string]int{"deep_444.heic": 10, "deep_gray.heic": 12} {
		img, err := heic.Decode(t.Context(), read(t, name), bits, 120*90, enough)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var sky, apple byte // of luma: bright and dark
		switch m := img.(type) {
		case *image.Gray:
			sky, apple = m.GrayAt(10, 40).Y, m.GrayAt(46, 60).Y
		case *image.YCbCr:
			sky, apple = m.YCbCrAt(10, 40).Y, m.YCbCrAt(46, 60).Y
		}
		if sky < 150 || sky > 180 || apple < 70 || apple > 95 {
			t.Errorf("%s: %T, sky %d, apple %d", name, img, sky, apple)
		}
	}
}
