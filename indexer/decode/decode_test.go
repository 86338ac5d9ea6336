package decode

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

func encoded(t testing.TB, format string, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch format {
	case "jpeg":
		err = jpeg.Encode(&b, img, nil)
	case "png":
		err = png.Encode(&b, img)
	case "gif":
		err = gif.Encode(&b, img, nil)
	case "bmp":
		err = bmp.Encode(&b, img)
	case "tiff":
		err = tiff.Encode(&b, img, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gradient(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = byte(i/4*3 + i%4*40)
		if i%4 == 3 {
			m.Pix[i] = 255
		}
	}
	return m
}

func TestFormatsByContent(t *testing.T) {
	for _, format := range []string{"jpeg", "png", "gif", "bmp", "tiff"} {
		t.Run(format, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "picture.webp") // the name lies
			data := encoded(t, format, gradient(31, 17))
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
			img, info, err := File(t.Context(), path, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if info.Format != format || info.Width != 31 || info.Height != 17 || info.Size != int64(len(data)) || len(info.SHA256) != 64 {
				t.Errorf("%+v", info)
			}
			if img.Bounds() != image.Rect(0, 0, 31, 17) {
				t.Errorf("bounds %v", img.Bounds())
			}
			_, fromBytes, err := Bytes(t.Context(), "x", data, Limits{})
			if err != nil || !reflect.DeepEqual(fromBytes, info) {
				t.Errorf("Bytes: %+v, %v", fromBytes, err)
			}
		})
	}
}

func TestBadPictures(t *testing.T) {
	whole := encoded(t, "jpeg", gradient(200, 200))
	animated, err := os.ReadFile("testdata/animated.webp")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		data   []byte
		limits Limits
		want   Reason
		says   string
	}{
		{"no bytes", nil, Limits{}, Empty, "no bytes"},
		{"one byte", []byte("x"), Limits{}, UnknownFormat, `"x"`},
		{"text", []byte("hello, this is not a picture"), Limits{}, UnknownFormat, "JPEG"},
		{"HEIC header only", []byte("\x00\x00\x00\x18ftypheic\x00\x00"), Limits{}, Corrupt, "meta"},
		{"HEIF of neither kind", []byte("\x00\x00\x00\x14ftypmif1\x00\x00\x00\x00miaf"), Limits{}, UnknownFormat, "HEIF"},
		{"SVG", []byte("<svg xmlns='http://www.w3.org/2000/svg'/>"), Limits{}, UnknownFormat, "SVG"},
		{"JPEG cut off", whole[:len(whole)/2], Limits{}, Corrupt, "save it anew"},
		{"JPEG header only", whole[:3], Limits{}, Corrupt, ""},
		{"PNG cut off", encoded(t, "png", gradient(90, 90))[:200], Limits{RefuseDamaged: true}, Corrupt, ""},
		{"GIF cut off", encoded(t, "gif", gradient(90, 90))[:900], Limits{RefuseDamaged: true}, Corrupt, ""},
		{"BMP cut off", encoded(t, "bmp", gradient(90, 90))[:200], Limits{RefuseDamaged: true}, Corrupt, ""},
		{"TIFF cut off", encoded(t, "tiff", gradient(90, 90))[:200], Limits{}, Corrupt, ""},
		{"WebP cut off", animated[:18], Limits{}, Corrupt, ""},
		{"too many bytes", whole, Limits{MaxBytes: 100}, TooLarge, "limit is 100"},
		{"too many pixels", whole, Limits{MaxPixels: 39999}, TooManyPixels, "40,000"},
		{"side too long", whole, Limits{MaxSide: 199}, TooManyPixels, "limit is 199"},
		{"too much memory", whole, Limits{MaxMemory: 100}, TooManyPixels, "limit"},
		{"no pixels", pngHeader(0, 5), Limits{}, Corrupt, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			img, _, err := Bytes(t.Context(), "dir/name.jpg", tt.data, tt.limits)
			var e *Error
			if !errors.As(err, &e) || img != nil {
				t.Fatalf("image %v, error %v", img, err)
			}
			if e.Reason != tt.want || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("reason %q, want %q; %v should say %q", e.Reason, tt.want, err, tt.says)
			}
			if !strings.Contains(err.Error(), "dir/name.jpg") || !strings.Contains(err.Error(), remedies[e.Reason]) {
				t.Errorf("%v lacks the name or the remedy", err)
			}
		})
	}
}

func TestBadFiles(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, make([]byte, 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]Reason{
		filepath.Join(dir, "absent"): Unreadable, dir: Unreadable, pipe: Unreadable, large: TooLarge,
	} {
		_, _, err := File(t.Context(), path, Limits{MaxBytes: 999})
		var e *Error
		if !errors.As(err, &e) || e.Reason != want || e.URI != path {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	if _, _, err := File(t.Context(), filepath.Join(dir, "absent"), Limits{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v does not wrap os.ErrNotExist", err)
	}
}

// pngHeader is a PNG that ends where its pixels should begin.
func pngHeader(w, h uint32) []byte {
	ihdr := binary.BigEndian.AppendUint32([]byte("IHDR"), w)
	ihdr = append(binary.BigEndian.AppendUint32(ihdr, h), 8, 6, 0, 0, 0)
	out := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	out = append(out, ihdr...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(ihdr))
}

// tiffOf builds a grey TIFF of one strip with one tag an entry.
func tiffOf(width, height, compression uint32, strip []byte) []byte {
	tags := [][2]uint32{{256, width}, {257, height}, {258, 8}, {259, compression}, {262, 1}, {273, 8}, {277, 1}, {278, height}, {279, uint32(len(strip))}}
	out := append([]byte("II*\x00\x00\x00\x00\x00"), strip...)
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)))
	out = binary.LittleEndian.AppendUint16(out, uint16(len(tags)))
	for _, tag := range tags {
		out = binary.LittleEndian.AppendUint16(out, uint16(tag[0]))
		out = binary.LittleEndian.AppendUint16(out, 4) // LONG
		out = binary.LittleEndian.AppendUint32(out, 1)
		out = binary.LittleEndian.AppendUint32(out, tag[1])
	}
	return append(out, 0, 0, 0, 0)
}

// Small files that claim or unfold to much more must cost neither memory nor time.
func TestBombs(t *testing.T) {
	gifBomb := append([]byte("GIF89a\xff\xff\xff\xff\x80\x00\x00\x00\x00\x00\xff\xff\xff"), "\x2c\x00\x00\x00\x00\xff\xff\xff\xff\x00\x02\x02\x44\x01\x00"...)
	smallScreen := slices.Clone(gifBomb)
	copy(smallScreen[6:], "\x01\x00\x01\x00")
	webpBomb := []byte("RIFF\x20\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\xff\xff\xff\x0f\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	bmpBomb := encoded(t, "bmp", gradient(1, 1))
	binary.LittleEndian.PutUint32(bmpBomb[18:], 1<<30)
	binary.LittleEndian.PutUint32(bmpBomb[22:], 1<<30)
	bombs := map[string][]byte{
		"GIF of 34 bytes":            gifBomb,
		"GIF frame beyond screen":    smallScreen,
		"PNG header":                 pngHeader(1<<31-1, 1<<31-1),
		"PNG wide":                   pngHeader(1<<30, 1),
		"WebP":                       webpBomb,
		"BMP":                        bmpBomb,
		"TIFF wide":                  tiffOf(1<<31-1, 1<<31-1, 1, []byte{0}),
		"TIFF PackBits, small page":  tiffOf(8, 8, 32773, bytes.Repeat([]byte{0x81, 0}, 8<<20)),
		"TIFF LZW, small page":       tiffOf(8, 8, 5, lzwZeros(10000)),
		"TIFF Deflate, small page":   tiffOf(8, 8, 8, deflateZeros(t, 128<<20)),
		"TIFF strip beyond the file": tiffOf(8, 8, 1, nil),
	}
	for name, data := range bombs {
		t.Run(name, func(t *testing.T) {
			start, before := time.Now(), allocated()
			_, _, err := Bytes(t.Context(), name, data, Limits{})
			if grown := allocated() - before; grown > 64<<20 {
				t.Errorf("%d MiB were allocated", grown>>20)
			}
			if d := time.Since(start); d > 5*time.Second {
				t.Errorf("took %v", d)
			}
			t.Log(err)
			var e *Error
			if err != nil && !errors.As(err, &e) {
				t.Errorf("error of type %T", err)
			}
		})
	}
}

// lzwZeros is TIFF's LZW of 9 bits a code, n times: clear, a zero, then each
// code the one that it defines, which is one zero longer.
func lzwZeros(n int) []byte {
	var out []byte
	var bits, have uint32
	code := func(c uint32) {
		bits, have = bits<<9|c, have+9
		for ; have >= 8; have -= 8 {
			out = append(out, byte(bits>>(have-8)))
		}
	}
	for range n {
		code(256)
		code(0)
		for c := uint32(258); c < 500; c++ {
			code(c)
		}
	}
	return out
}

func deflateZeros(t *testing.T, n int) []byte {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	if _, err := w.Write(make([]byte, n)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

func TestDeadline(t *testing.T) {
	data := encoded(t, "png", image.NewGray(image.Rect(0, 0, 6000, 6000)))
	start := time.Now()
	_, _, err := Bytes(t.Context(), "slow.png", data, Limits{Timeout: 5 * time.Millisecond})
	var e *Error
	if !errors.As(err, &e) || e.Reason != TimedOut || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want %q", err, TimedOut)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("returned after %v", d)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = Bytes(ctx, "slow.png", data, Limits{})
	if !errors.As(err, &e) || e.Reason != Stopped || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %q", err, Stopped)
	}
}

func TestPanicIsAnError(t *testing.T) {
	c := codec{name: "png", config: func(task) (image.Config, error) { panic("boom") }}
	_, err := within(t.Context(), task{codec: c, ctx: t.Context()}.run, func(picture) {})
	if err == nil || !strings.Contains(err.Error(), "boom") {
		t.Errorf("error %v", err)
	}
}

func TestGIFFirstFrameOnScreen(t *testing.T) {
	frame := image.NewPaletted(image.Rect(2, 1, 4, 3), color.Palette{color.NRGBA{255, 0, 0, 255}, color.Transparent})
	frame.SetColorIndex(3, 2, 1)
	second := image.NewPaletted(image.Rect(0, 0, 6, 4), color.Palette{color.Black})
	var b bytes.Buffer
	err := gif.EncodeAll(&b, &gif.GIF{
		Image: []*image.Paletted{frame, second}, Delay: []int{1, 1},
		Config: image.Config{Width: 6, Height: 4, ColorModel: frame.Palette},
	})
	if err != nil {
		t.Fatal(err)
	}
	img, info, err := Bytes(t.Context(), "frames.gif", b.Bytes(), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if info.Width != 6 || info.Height != 4 {
		t.Errorf("%d x %d, want 6 x 4", info.Width, info.Height)
	}
	for p, want := range map[image.Point]color.NRGBA{{}: {}, {X: 2, Y: 1}: {255, 0, 0, 255}, {X: 3, Y: 2}: {}} {
		if got := color.NRGBAModel.Convert(img.At(p.X, p.Y)); got != want {
			t.Errorf("%v is %v, want %v", p, got, want)
		}
	}
}

func TestGrey16IsScaled(t *testing.T) {
	m := image.NewGray16(image.Rect(0, 0, 3, 1))
	m.SetGray16(1, 0, color.Gray16{0x80FF})
	m.SetGray16(2, 0, color.Gray16{0xFFFF})
	img, _, err := Bytes(t.Context(), "deep.png", encoded(t, "png", m), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := img.(*image.Gray); !ok || !slices.Equal(got.Pix, []byte{0, 0x80, 0xFF}) {
		t.Errorf("%T %v", img, img)
	}
}

func FuzzBytes(f *testing.F) {
	for _, format := range []string{"jpeg", "png", "gif", "bmp", "tiff"} {
		f.Add(encoded(f, format, gradient(9, 7)))
	}
	files, err := filepath.Glob("testdata/*.*")
	if err != nil {
		f.Fatal(err)
	}
	more, err := filepath.Glob("testdata/formats/*.*")
	if err != nil {
		f.Fatal(err)
	}
	files = append(files, more...)
	decoder := new(Decoder)
	limits := Limits{MaxPixels: 1 << 20, MaxBytes: 1 << 20}
	for _, path := range files {
		if data, err := os.ReadFile(path); err == nil && len(data) < 2000 {
			f.Add(data)
			// The decoders in WebAssembly are compiled when they are first used, which the
			// fuzzer would take for a hang.
			_, _, _ = decoder.Bytes(f.Context(), path, data, nil, limits)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		img, info, err := decoder.Bytes(t.Context(), "fuzz", data, nil, limits)
		var e *Error
		if err != nil {
			if !errors.As(err, &e) || strings.Contains(err.Error(), "decoder failed") {
				t.Fatal(err)
			}
			return
		}
		b := img.Bounds()
		if b.Min != (image.Point{}) || b.Dx() != info.Width || b.Dy() != info.Height {
			t.Fatalf("bounds %v, info %+v", b, info)
		}
		if _, _, err := Thumbnail(img, 8); err != nil {
			t.Fatal(err)
		}
		AverageColor(img)
	})
}

// Bytes decodes a picture whole with a new Decoder.
func Bytes(ctx context.Context, name string, data []byte, limits Limits) (image.Image, Info, error) {
	return new(Decoder).Bytes(ctx, name, data, nil, limits)
}
