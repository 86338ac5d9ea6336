package decode

import (
	"errors"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// However much of a WebP is missing, it is shown in its right size, or refused as cut
// off. What it shows is in TestFormatsEqualReference.
func TestWebPCutAnywhere(t *testing.T) {
	for _, name := range []string{"lossless.webp", "orientation6.webp", "alpha.webp", "animated.webp"} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		want, _, err := Bytes(t.Context(), name, data, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		shown := 0
		for length := 1; length < len(data); length += 5 {
			img, info, err := Bytes(t.Context(), name, data[:length], Limits{})
			var e *Error
			switch {
			case err != nil:
				if !errors.As(err, &e) || e.Reason != Corrupt && e.Reason != UnknownFormat {
					t.Fatalf("%s of %d bytes: %v", name, length, err)
				}
			case info.Width*info.Height != want.Bounds().Dx()*want.Bounds().Dy() || img.Bounds() != image.Rect(0, 0, info.Width, info.Height):
				// Not turned: EXIF stands behind the pixels.
				t.Fatalf("%s of %d bytes: %v, %+v", name, length, img.Bounds(), info)
			default:
				shown++
			}
		}
		t.Logf("%s: %d of %d lengths show something", name, shown, len(data))
		if shown == 0 {
			t.Errorf("%s: nothing is shown of any part", name)
		}
	}
}

func FuzzWebP(f *testing.F) {
	for _, pattern := range []string{"testdata/*.webp", "testdata/formats/*.webp"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			f.Fatalf("%s: %v, %v", pattern, names, err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data, uint16(len(data)))
			f.Add(data, uint16(len(data)*2/3))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, length uint16) {
		data = data[:min(len(data), int(length))]
		if name, _ := sniff(data); name != "webp" {
			return
		}
		img, info, err := Bytes(t.Context(), "fuzz", data, Limits{MaxPixels: 1 << 18})
		if err != nil && strings.Contains(err.Error(), "decoder failed") {
			t.Fatal(err)
		}
		if err == nil && img.Bounds() != image.Rect(0, 0, info.Width, info.Height) {
			t.Fatalf("%v, %+v", img.Bounds(), info)
		}
	})
}
