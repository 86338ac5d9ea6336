package decode

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"polylens/indexer/decode/outside"
	"polylens/indexer/decode/reduced"
	"polylens/internal/needs"
)

// openTurbo is a process with libjpeg-turbo.
func openTurbo(t testing.TB) *outside.Pool {
	t.Helper()
	pool := outside.New(outside.Options{Libraries: map[string]string{TurboJPEG: needs.TurboJPEG(t)}})
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	return pool
}

// target wants a size whatever the picture's.
func target(width, height int) Target { return func(int, int) (int, int) { return width, height } }

// At full size the pixels are those of Pillow to the bit, but for colours that
// are left to image/jpeg.
func TestTurboEqualsReference(t *testing.T) {
	decoder := &Decoder{Outside: openTurbo(t)}
	data, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var reference struct{ Files []referencePicture }
	if err := json.Unmarshal(data, &reference); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, want := range reference.Files {
		if !strings.HasSuffix(want.Name, ".jpg") {
			continue
		}
		img, info, err := decoder.File(t.Context(), filepath.Join("testdata", want.Name), nil, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if info.Width != want.Width || info.Height != want.Height {
			t.Errorf("%s: %+v", want.Name, info)
		}
		most, _ := difference(img, want.RGBA)
		if cmyk := strings.Contains(want.Name, "cmyk"); !cmyk && most > 0 || most > 4 {
			t.Errorf("%s: values differ by %d", want.Name, most)
		}
		compared++
	}
	if compared < 10 {
		t.Errorf("only %d pictures were compared", compared)
	}
}

func TestReduced(t *testing.T) {
	decoder := new(Decoder)
	withLibrary := &Decoder{Outside: openTurbo(t)}
	data := encoded(t, "jpeg", gradient(400, 240))
	turnedRight := withOrientation(data, 6)
	progressive, err := os.ReadFile("testdata/progressive.jpg")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name          string
		decoder       *Decoder
		data          []byte
		target        Target
		width, height int // of the picture
	}{
		{"no target", decoder, data, nil, 400, 240},
		{"exact", &Decoder{Exact: true}, data, target(10, 10), 400, 240},
		{"exact with the library", &Decoder{Outside: withLibrary.Outside, Exact: true}, data, target(10, 10), 400, 240},
		{"half", decoder, data, target(100, 60), 200, 120},
		{"half where the library is", withLibrary, data, target(100, 60), 200, 120},
		{"height is too small for a half", decoder, data, target(100, 61), 400, 240},
		{"width is too small for a half", decoder, data, target(101, 60), 400, 240},
		{"three eighths", decoder, data, target(75, 45), 150, 90},
		{"quarter", decoder, data, target(50, 30), 100, 60},
		{"eighth", decoder, data, target(16, 10), 50, 30},
		{"quarter where an eighth is coarse", decoder, data, target(25, 15), 100, 60},
		{"an odd side would move what is shown", decoder, encoded(t, "jpeg", gradient(403, 240)), target(100, 60), 403, 240},
		{"an odd side moves little of a small target", decoder, encoded(t, "jpeg", gradient(1601, 960)), target(50, 30), 200, 120},
		{"never smaller than an eighth", decoder, data, target(1, 1), 50, 30},
		{"larger than the picture", decoder, data, target(4000, 4000), 400, 240},
		{"turned", decoder, turnedRight, target(60, 100), 120, 200},
		{"turned, target is not", decoder, turnedRight, target(100, 60), 240, 400},
		{"progressive", decoder, progressive, target(1, 1), 16, 24},
		{"progressive where the library is", withLibrary, progressive, target(1, 1), 4, 6},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			img, info, err := tt.decoder.Bytes(t.Context(), "x", tt.data, tt.target, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if got := img.Bounds(); got != image.Rect(0, 0, tt.width, tt.height) {
				t.Errorf("picture %v, want %d x %d", got, tt.width, tt.height)
			}
			whole, _, err := new(Decoder).Bytes(t.Context(), "x", tt.data, nil, Limits{})
			if err != nil || image.Pt(info.Width, info.Height) != whole.Bounds().Size() {
				t.Errorf("info %+v, the whole picture %v, %v", info, whole.Bounds(), err)
			}
		})
	}
}

// A reduced picture is turned as the full one is.
func TestReducedOrientation(t *testing.T) {
	decoder := new(Decoder)
	corner := image.NewRGBA(image.Rect(0, 0, 320, 160))
	for y := range 80 {
		for x := range 160 {
			corner.SetRGBA(x, y, color.RGBA{250, 250, 250, 255})
		}
	}
	data := encoded(t, "jpeg", corner)
	for orientation := 1; orientation <= 8; orientation++ {
		full, _, err := decoder.Bytes(t.Context(), "full", withOrientation(data, orientation), nil, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		size := full.Bounds().Size()
		small, _, err := decoder.Bytes(t.Context(), "small", withOrientation(data, orientation), target(size.X/8, size.Y/8), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if got := small.Bounds().Size(); got != size.Div(4) {
			t.Fatalf("orientation %d: %v of %v", orientation, got, size)
		}
		for _, p := range []image.Point{{5, 5}, {size.X - 5, 5}, {5, size.Y - 5}, {size.X - 5, size.Y - 5}} {
			want, _, _, _ := full.At(p.X, p.Y).RGBA()
			got, _, _, _ := small.At(p.X/4, p.Y/4).RGBA()
			if (want > 0x8000) != (got > 0x8000) {
				t.Errorf("orientation %d: %v is %d, want %d", orientation, p, got>>8, want>>8)
			}
		}
	}
}

// withOrientation puts EXIF in front of the rest of a JPEG.
func withOrientation(data []byte, orientation int) []byte {
	exif := append([]byte("Exif\x00\x00"), tiffHeader(binary.BigEndian, "MM\x00*", 0x0112, 3, uint16(orientation))...)
	segment := append([]byte{0xFF, 0xE1, 0, byte(len(exif) + 2)}, exif...)
	return slices.Concat(data[:2], segment, data[2:])
}

// What is wrong with a JPEG, and what is said of it, does not depend on the
// library, but for damage in the padding at the end of a scan: it costs no
// pixel, and image/jpeg alone minds it.
func TestTurboJudgesAsGo(t *testing.T) {
	withLibrary := &Decoder{Outside: openTurbo(t)}
	cases, milder := damaged(t), 0
	for name, data := range cases {
		_, _, want := new(Decoder).Bytes(t.Context(), "x", data, nil, Limits{RefuseDamaged: true})
		_, _, got := withLibrary.Bytes(t.Context(), "x", data, nil, Limits{RefuseDamaged: true})
		switch {
		case fmt.Sprint(got) == fmt.Sprint(want):
		case got == nil:
			milder++
		default:
			t.Errorf("%s: %v, without the library %v", name, got, want)
		}
	}
	if milder > len(cases)/100 {
		t.Errorf("%d of %d damaged pictures are accepted that image/jpeg refuses", milder, len(cases))
	}
}

// The same of JPEGs that are wanted smaller.
func TestReducedJudgesAsGo(t *testing.T) {
	for name, data := range damaged(t) {
		_, _, want := new(Decoder).Bytes(t.Context(), "x", data, nil, Limits{})
		_, _, got := new(Decoder).Bytes(t.Context(), "x", data, target(2, 2), Limits{})
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, at full size %v", name, got, want)
		}
	}
}

// A JPEG that says late, or by the names of its components, that it is RGB has
// the same colours at every size, with the library and without.
func TestColorsOfEverySize(t *testing.T) {
	rgb, err := os.ReadFile("testdata/rgb.jpg")
	if err != nil {
		t.Fatal(err)
	}
	red := image.NewRGBA(image.Rect(0, 0, 64, 64))
	draw.Draw(red, red.Rect, image.NewUniform(color.RGBA{230, 30, 40, 255}), image.Point{}, draw.Src)
	data := encoded(t, "jpeg", red)
	scan := bytes.Index(data, []byte{0xFF, 0xDA})
	late := slices.Concat(data[:2], []byte("\xFF\xE0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"), data[2:scan],
		[]byte("\xFF\xE0\x00\x09JFXX\x00\x13\x00\xFF\xEE\x00\x0EAdobe\x00\x64\x00\x00\x00\x00\x00"), data[scan:])
	for name, data := range map[string][]byte{"by names": rgb, "late": late} {
		want, _, err := new(Decoder).Bytes(t.Context(), name, data, nil, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for _, decoder := range []*Decoder{{}, {Outside: openTurbo(t)}} {
			for _, target := range []Target{nil, target(2, 2)} {
				got, _, err := decoder.Bytes(t.Context(), name, data, target, Limits{})
				if err != nil {
					t.Fatal(err)
				}
				middle := got.Bounds().Max.Div(2)
				if difference, _ := compare(pixelAt(got, middle), pixelAt(want, want.Bounds().Max.Div(2))); difference > 20 {
					t.Errorf("%s: %v instead of %v", name, pixelAt(got, middle), pixelAt(want, want.Bounds().Max.Div(2)))
				}
			}
		}
	}
}

func pixelAt(img image.Image, p image.Point) []byte {
	c := color.RGBAModel.Convert(img.At(p.X, p.Y)).(color.RGBA)
	return []byte{c.R, c.G, c.B, c.A}
}

// damaged are JPEGs in every stage of decay, and unusual whole ones.
func damaged(t *testing.T) map[string][]byte {
	t.Helper()
	cases := map[string][]byte{}
	for _, name := range []string{"progressive.jpg", "orientation8_422.jpg", "orientation3_grey.jpg", "orientation5_cmyk.jpg", "restart.jpg", "rgb.jpg"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		cases[name+" whole"] = data
		cases[name+" without end"] = data[:len(data)-2]
		cases[name+" with more behind"] = slices.Concat(data, []byte("more"))
		for i := range 12 {
			n := len(data) * (i + 1) / 13
			cases[fmt.Sprintf("%s cut at %d", name, n)] = data[:n]
		}
		random := rand.New(rand.NewPCG(1, uint64(len(data))))
		coded := bytes.LastIndex(data, []byte{0xFF, 0xDA}) + 14
		for range 40 {
			at := coded + random.IntN(len(data)-coded)
			changed := slices.Clone(data)
			changed[at] = 0xFF // a marker where none belongs
			cases[fmt.Sprintf("%s with 0xFF at %d", name, at)] = changed
		}
	}
	return cases
}

// What is taken from the budget is at least what the picture and its upright copy
// have.
func TestReducedMemoryIsEnough(t *testing.T) {
	for _, size := range []image.Point{{64, 64}, {801, 603}, {17, 2000}, {1, 9}} {
		data := encoded(t, "jpeg", gradient(size.X, size.Y))
		for _, points := range reduced.Points {
			img, err := reduced.Decode(t.Context(), data, points)
			if err != nil {
				t.Fatal(err)
			}
			m := img.(*image.YCbCr)
			held := int64(len(m.Y)+len(m.Cb)+len(m.Cr)) + 4*int64(m.Rect.Dx()*m.Rect.Dy())
			taken := task{config: image.Config{Width: size.X, Height: size.Y}}.reducedMemory(points)
			if taken < held || taken > 8*held+1<<19 {
				t.Errorf("%v at %d: %d bytes are taken for %d", size, points, taken, held)
			}
		}
	}
}

func TestReducedMemory(t *testing.T) {
	decoder := new(Decoder)
	data := encoded(t, "jpeg", gradient(800, 800))
	limits := Limits{MaxMemory: 2 << 20}
	if _, _, err := decoder.Bytes(t.Context(), "reduced", data, target(50, 50), limits); err != nil {
		t.Errorf("a reduced picture needs less memory: %v", err)
	}
	_, _, err := decoder.Bytes(t.Context(), "full", data, nil, limits)
	var e *Error
	if !errors.As(err, &e) || e.Reason != TooManyPixels || !strings.Contains(err.Error(), "limit") {
		t.Errorf("%v, want %q", err, TooManyPixels)
	}
	budget := NewBudget(1 << 20)
	for range 3 {
		if _, _, err := decoder.Bytes(t.Context(), "reduced", data, target(50, 50), Limits{Budget: budget}); err != nil {
			t.Errorf("the budget is not given back: %v", err)
		}
	}
}

func TestTurboStops(t *testing.T) {
	decoder := &Decoder{Outside: openTurbo(t)}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := decoder.Bytes(ctx, "x", encoded(t, "jpeg", gradient(80, 80)), nil, Limits{})
	var e *Error
	if !errors.As(err, &e) || e.Reason != Stopped {
		t.Errorf("%v, want %q", err, Stopped)
	}
}

// libjpeg-turbo asks for no time, but its process can be ended.
func TestTurboDeadline(t *testing.T) {
	decoder := &Decoder{Outside: openTurbo(t)}
	large, small := encoded(t, "jpeg", image.NewGray(image.Rect(0, 0, 9000, 9000))), encoded(t, "jpeg", gradient(80, 80))
	for range 3 {
		begun := time.Now()
		_, _, err := decoder.Bytes(t.Context(), "large", large, nil, Limits{Timeout: 20 * time.Millisecond})
		var e *Error
		if !errors.As(err, &e) || e.Reason != TimedOut || time.Since(begun) > 5*time.Second {
			t.Errorf("%v after %v, want %q", err, time.Since(begun), TimedOut)
		}
		if _, _, err := decoder.Bytes(t.Context(), "small", small, nil, Limits{}); err != nil {
			t.Error(err)
		}
	}
}

func FuzzJPEG(f *testing.F) {
	files, err := filepath.Glob("testdata/*.jpg")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	decoder := &Decoder{Outside: openTurbo(f)}
	f.Fuzz(func(t *testing.T, data []byte) {
		config, err := jpeg.DecodeConfig(bytes.NewReader(data))
		if err != nil || config.Width*config.Height > 1<<20 {
			return
		}
		for _, want := range []Target{nil, target(4, 4)} {
			img, info, err := decoder.Bytes(t.Context(), "fuzz", data, want, Limits{})
			var e *Error
			if err != nil && !errors.As(err, &e) {
				t.Fatal(err)
			}
			if err == nil && (img.Bounds().Empty() || info.Width*info.Height != config.Width*config.Height) {
				t.Fatalf("%v, %+v", img.Bounds(), info)
			}
		}
	})
}
