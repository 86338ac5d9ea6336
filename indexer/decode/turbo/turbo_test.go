package turbo

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"polylens/internal/needs"
)

func open(t *testing.T) *Library {
	t.Helper()
	library, err := Open(needs.TurboJPEG(t))
	if err != nil {
		t.Fatal(err)
	}
	return library
}

func TestOpenFails(t *testing.T) {
	text := filepath.Join(t.TempDir(), "libturbojpeg.so.0")
	if err := os.WriteFile(text, []byte("no library"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{text, text + ".absent", "libc.so.6"} {
		library, err := Open(path)
		if err == nil || library != nil || !strings.Contains(err.Error(), "apt-get install") {
			t.Errorf("%s: %v, %v", path, library, err)
		}
	}
}

func ramp(width, height int) []byte {
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			m.SetRGBA(x, y, color.RGBA{byte(255 * x / width), byte(255 * y / height), 90, 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func TestDecode(t *testing.T) {
	library := open(t)
	for _, size := range []image.Point{{1, 1}, {1, 70}, {17, 9}, {64, 48}, {101, 67}} {
		data := ramp(size.X, size.Y)
		for _, points := range Points {
			denominator := 8 / points
			decoded, damage, err := library.Decode(data, Want{Full: size, Points: points})
			if err != nil || damage != "" {
				t.Fatalf("%v by %d: %v, %q", size, denominator, err, damage)
			}
			img := decoded.(*image.NRGBA)
			want := image.Pt((size.X+denominator-1)/denominator, (size.Y+denominator-1)/denominator)
			if img.Rect.Size() != want || !img.Opaque() {
				t.Errorf("%v by %d: %v, opaque %v", size, denominator, img.Rect, img.Opaque())
			}
			checkRamp(t, img, size, denominator)
		}
	}
}

func checkRamp(t *testing.T, img *image.NRGBA, full image.Point, denominator int) {
	t.Helper()
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			c := img.NRGBAAt(x, y)
			// The middle of the pixel, in the picture of full size.
			wantR := 255 * min((2*x+1)*denominator, 2*full.X) / (2 * full.X)
			wantG := 255 * min((2*y+1)*denominator, 2*full.Y) / (2 * full.Y)
			if full.X >= 64 && abs(int(c.R)-wantR) > 14 || full.Y >= 48 && abs(int(c.G)-wantG) > 14 {
				t.Fatalf("%v by %d: (%d,%d) is %v, want red %d and green %d", full, denominator, x, y, c, wantR, wantG)
			}
		}
	}
}

func abs(v int) int { return max(v, -v) }

func TestRefused(t *testing.T) {
	library := open(t)
	whole := ramp(64, 48)
	cut := whole[:len(whole)*2/3]
	for name, data := range map[string][]byte{
		"nothing": nil, "no JPEG": []byte("no JPEG"), "cut off": cut, "no end": whole[:len(whole)-2],
		"another size": ramp(64, 49),
	} {
		img, _, err := library.Decode(data, Want{Full: image.Pt(64, 48), Points: 8})
		if img != nil || !errors.Is(err, ErrRefused) || strings.HasSuffix(err.Error(), ": ") {
			t.Errorf("%s: %v, %v", name, img, err)
		}
	}
}

func TestConcurrent(t *testing.T) {
	library := open(t)
	good, cut := ramp(64, 48), ramp(200, 100)[:900]
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 20 {
				if _, _, err := library.Decode(good, Want{Full: image.Pt(64, 48), Points: 4}); err != nil {
					t.Error(err)
				}
				if _, _, err := library.Decode(cut, Want{Full: image.Pt(200, 100), Points: 8}); err == nil {
					t.Error("the cut picture is accepted")
				}
			}
		})
	}
	group.Wait()
}
