package decode

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"polylens/indexer/decode/outside"
	"polylens/internal/needs"
)

// openOutside is a pool with all libraries.
func openOutside(t testing.TB) *outside.Pool {
	t.Helper()
	return openPool(t, map[string]string{TurboJPEG: needs.TurboJPEG(t), OpenJPEG: needs.OpenJPEG(t)})
}

func openPool(t testing.TB, libraries map[string]string) *outside.Pool {
	t.Helper()
	pool := outside.New(outside.Options{Libraries: libraries})
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	return pool
}

// outsideFile is a picture that testdata/write_outside.py has written.
type outsideFile struct {
	Name          string
	Width, Height int
	Tolerance     int    // greatest difference of a value
	Warns         string // part of its only warning, "" without one
	RGBA          []byte
}

func outsideFiles(t testing.TB) []outsideFile {
	t.Helper()
	data, err := os.ReadFile("testdata/outside/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var reference struct{ Files []outsideFile }
	if err := json.Unmarshal(data, &reference); err != nil {
		t.Fatal(err)
	}
	if len(reference.Files) < 20 {
		t.Fatalf("the reference has %d pictures", len(reference.Files))
	}
	return reference.Files
}

// Rare and damaged pictures look as they do in Pillow, say what is wrong with them,
// and are refused if that is wanted.
func TestOutsideEqualsReference(t *testing.T) {
	decoder := &Decoder{Outside: openOutside(t)}
	for _, want := range outsideFiles(t) {
		t.Run(want.Name, func(t *testing.T) {
			path := filepath.Join("testdata", "outside", want.Name)
			img, info, err := decoder.File(t.Context(), path, nil, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if img.Bounds() != image.Rect(0, 0, want.Width, want.Height) || info.Width != want.Width || info.Height != want.Height {
				t.Fatalf("%v, %+v; want %d x %d", img.Bounds(), info, want.Width, want.Height)
			}
			if most, mean := difference(img, want.RGBA); most > want.Tolerance {
				t.Errorf("values differ by %d (mean %.2f)", most, mean)
			}
			if said := strings.Join(info.Warnings, " "); (said == "") != (want.Warns == "") || !strings.Contains(said, want.Warns) {
				t.Errorf("it says %q, want %q", said, want.Warns)
			}
			_, _, err = decoder.File(t.Context(), path, nil, Limits{RefuseDamaged: true})
			var e *Error
			if want.Warns == "" && err != nil || want.Warns != "" && (!errors.As(err, &e) || e.Reason != Corrupt) {
				t.Errorf("damaged ones are refused: %v", err)
			}
		})
	}
}

// Without the libraries, the error says how to get them.
func TestOutsideIsMissing(t *testing.T) {
	for _, want := range outsideFiles(t) {
		_, _, err := File(t.Context(), filepath.Join("testdata", "outside", want.Name), Limits{})
		var e *Error
		if !errors.As(err, &e) {
			if !slices.Contains([]string{"ycck.jpg", "cmyk_plain.jpg", "no_end.jpg"}, want.Name) { // image/jpeg reads these
				t.Errorf("%s: %v", want.Name, err)
			}
			continue
		}
		damaged := want.Warns != "" && strings.HasSuffix(want.Name, ".jpg")
		if (e.Reason == Corrupt) != damaged || (e.Reason == Unsupported) == damaged || !strings.Contains(err.Error(), runSetup) {
			t.Errorf("%s: %v", want.Name, err)
		}
	}
}

// openJPEGThat is a library in whose place of OpenJPEG a statement in C stands.
func openJPEGThat(t *testing.T, does string) (library string) {
	t.Helper()
	source, library := filepath.Join(t.TempDir(), "broken.c"), filepath.Join(t.TempDir(), "libbroken.so")
	code := "#include <signal.h>\nchar *opj_version(void) { return \"2.5.0\"; }\nvoid *opj_create_decompress(int format) { " + does + "; return 0; }\n"
	for _, name := range []string{"destroy_codec", "set_default_decoder_parameters", "setup_decoder", "read_header", "decode", "end_decompress",
		"image_destroy", "set_error_handler", "stream_create", "stream_destroy", "stream_set_read_function", "stream_set_skip_function",
		"stream_set_seek_function", "stream_set_user_data", "stream_set_user_data_length"} {
		code += fmt.Sprintf("int opj_%s(void) { return 0; }\n", name)
	}
	if err := os.WriteFile(source, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "cc", "-shared", "-fPIC", "-o", library, source).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return library
}

// A library that a picture crashes costs that picture, and says so. One whose process is
// killed says nothing about the picture.
func TestCrashInC(t *testing.T) {
	for does, want := range map[string]struct {
		err    error
		reason Reason
		says   string
	}{
		"*(volatile int *)8 = 1": {outside.ErrCrashed, Unsupported, "SIGSEGV"},
		"raise(SIGKILL)":         {outside.ErrKilled, Interrupted, "try it again"},
		"raise(SIGTERM)":         {outside.ErrKilled, Interrupted, "try it again"},
	} {
		decoder := &Decoder{Outside: openPool(t, map[string]string{OpenJPEG: openJPEGThat(t, does), TurboJPEG: needs.TurboJPEG(t)})}
		for range 2 {
			_, _, err := decoder.File(t.Context(), "testdata/outside/rgb.jp2", nil, Limits{})
			var e *Error
			if !errors.Is(err, want.err) || !errors.As(err, &e) || e.Reason != want.reason || !strings.Contains(err.Error(), want.says) {
				t.Errorf("%s: %v", does, err)
			}
			if _, _, err := decoder.File(t.Context(), "testdata/outside/arithmetic.jpg", nil, Limits{}); err != nil {
				t.Errorf("after %s: %v", does, err)
			}
		}
	}
}

// A JPEG 2000 that is wanted smaller is decoded smaller, and looks as the whole one.
func TestJPEG2000Reduced(t *testing.T) {
	decoder := &Decoder{Outside: openOutside(t)}
	const path = "testdata/outside/reducible.jp2"
	whole, _, err := decoder.File(t.Context(), path, nil, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for side, width := range map[int]int{2: 50, 4: 100, 6: 100, 12: 100, 30: 200, 37: 200, 38: 400, 75: 400, 1000: 400} {
		img, info, err := decoder.File(t.Context(), path, target(side, side), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if img.Bounds() != image.Rect(0, 0, width, (width*3+3)/4) || info.Width != 400 || info.Height != 300 {
			t.Errorf("for %d: %v, %+v", side, img.Bounds(), info)
		}
		if _, cosine := compare(scaled(img, side), scaled(whole, side)); cosine < 0.998 {
			t.Errorf("for %d: a cosine of %.5f", side, cosine)
		}
		exact := &Decoder{Outside: decoder.Outside, Exact: true}
		if img, _, err := exact.File(t.Context(), path, target(side, side), Limits{}); err != nil || img.Bounds() != whole.Bounds() {
			t.Errorf("exact: %v, %v", img.Bounds(), err)
		}
	}
}

// A JPEG 2000 that wants more memory than was taken for it gets an error that says so.
func TestJPEG2000WithoutMemory(t *testing.T) {
	pool := openOutside(t)
	data, err := os.ReadFile("testdata/outside/wide.jp2")
	if err != nil {
		t.Fatal(err)
	}
	c, err := readCodestream(data)
	if err != nil {
		t.Fatal(err)
	}
	size := c.size(0)
	request := outside.Request{Decoder: OpenJPEG, Full: size, Size: size, Memory: int64(4*size.X*size.Y + len(data) + 1<<16), Data: data}
	if _, err := pool.Decode(t.Context(), request); !errors.Is(err, outside.ErrMemory) {
		t.Errorf("%v, want %q", err, outside.ErrMemory)
	}
	request.Memory = c.memory(0, len(data))
	if _, err := pool.Decode(t.Context(), request); err != nil {
		t.Error(err)
	}
}

// Each picture is content with the memory that is taken for it, and one that wants more
// than it may have is refused.
func TestOutsideMemory(t *testing.T) {
	decoder := &Decoder{Outside: openOutside(t)}
	for _, want := range outsideFiles(t) {
		_, _, err := decoder.File(t.Context(), filepath.Join("testdata", "outside", want.Name), nil, Limits{MaxMemory: 2000})
		var e *Error
		if !errors.As(err, &e) || e.Reason != TooManyPixels {
			t.Errorf("%s: %v, want %q", want.Name, err, TooManyPixels)
		}
	}
}

func TestCodestream(t *testing.T) {
	for _, want := range outsideFiles(t) {
		data, err := os.ReadFile(filepath.Join("testdata", "outside", want.Name))
		if err != nil {
			t.Fatal(err)
		}
		c, err := readCodestream(data)
		if jpeg := strings.HasSuffix(want.Name, ".jpg"); jpeg != (err != nil) {
			t.Errorf("%s: %v", want.Name, err)
		} else if size := c.size(0); !jpeg && (size != image.Pt(want.Width, want.Height) || c.components < 1 || c.components > 4) {
			t.Errorf("%s: %+v", want.Name, c)
		}
	}
	odd := codestream{area: image.Rect(3, 5, 20, 21)}
	for halvings, want := range []image.Point{{17, 16}, {8, 8}, {4, 4}} {
		if got := odd.size(halvings); got != want {
			t.Errorf("%d halvings: %v, want %v", halvings, got, want)
		}
	}
}

func FuzzCodestream(f *testing.F) {
	for _, want := range outsideFiles(f) {
		data, err := os.ReadFile(filepath.Join("testdata", "outside", want.Name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := readCodestream(data)
		if err == nil && (c.area.Empty() || c.components < 1 || c.components > math.MaxUint16 || c.levels < 0 || c.levels > 255) {
			t.Errorf("%+v", c)
		}
		for halvings := range 6 {
			if size := c.size(halvings); err == nil && (size.X < 0 || size.Y < 0) {
				t.Errorf("%+v is %v after %d halvings", c, size, halvings)
			}
		}
		if frame, ok := findFrame(data); ok && (frame.width > math.MaxUint16 || frame.height > math.MaxUint16) {
			t.Errorf("%+v", frame)
		}
	})
}

// Whatever the file, the libraries give a picture of the size that was asked for, or an
// error that is not about the process.
func FuzzOutside(f *testing.F) {
	for _, want := range outsideFiles(f) {
		data, err := os.ReadFile(filepath.Join("testdata", "outside", want.Name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, false)
		f.Add(data, true)
	}
	decoder := &Decoder{Outside: openOutside(f)}
	limits := Limits{MaxPixels: 1 << 16, MaxBytes: 1 << 16, Timeout: 5 * time.Second}
	f.Fuzz(func(t *testing.T, data []byte, small bool) {
		if name, _ := sniff(data); name != "jpeg" && name != jpeg2000 {
			return
		}
		var want Target
		if small {
			want = target(4, 4)
		}
		img, info, err := decoder.Bytes(context.Background(), "fuzz", data, want, limits)
		if errors.Is(err, outside.ErrCrashed) || errors.Is(err, outside.ErrKilled) || errors.Is(err, outside.ErrAbsent) {
			t.Fatal(err)
		}
		if err == nil && (img.Bounds().Empty() || img.Bounds().Dx() > info.Width || img.Bounds().Dy() > info.Height) {
			t.Fatalf("%v, %+v", img.Bounds(), info)
		}
	})
}
