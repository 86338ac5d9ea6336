package preprocess

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	_ "image/jpeg"
	_ "image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	xdraw "golang.org/x/image/draw"
)

type referenceCase struct {
	Mode          string
	Width, Height int
	Seed          int
	Config        json.RawMessage
	First         []byte
	ResizedSHA256 string `json:"resized_sha256"`
	PixelsSHA256  string `json:"pixels_sha256"`
}

func (c *referenceCase) UnmarshalJSON(data []byte) error {
	type plain referenceCase
	aux := struct {
		*plain
		First []int // a []byte would be read as base64
	}{plain: (*plain)(c)}
	if err := json.Unmarshal(data, &aux); err != nil {
		return err
	}
	for _, v := range aux.First {
		c.First = append(c.First, byte(v))
	}
	return nil
}

func readReference(t *testing.T) []referenceCase {
	t.Helper()
	data, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var ref struct{ Cases []referenceCase }
	if err := json.Unmarshal(data, &ref); err != nil {
		t.Fatal(err)
	}
	return ref.Cases
}

// The reference was written by testdata/write_reference.py.
func TestPixelsEqualReference(t *testing.T) {
	for _, c := range readReference(t) {
		name := fmt.Sprintf("%s %dx%d seed %d", c.Mode, c.Width, c.Height, c.Seed)
		t.Run(name, func(t *testing.T) {
			p, err := Parse(c.Config)
			if err != nil {
				t.Fatal(err)
			}
			img := picture(t, c.Mode, c.Width, c.Height, c.Seed)
			resized := resize(img, p.height, p.width, p.filter)
			if got := hash(resized); got != c.ResizedSHA256 {
				n := min(len(resized), len(c.First))
				t.Fatalf("bytes after the resize differ; the first are %v, want %v", resized[:n], c.First)
			}
			pixels, err := p.Pixels(img)
			if err != nil {
				t.Fatal(err)
			}
			var raw []byte
			raw, err = binary.Append(raw, binary.LittleEndian, pixels)
			if err != nil {
				t.Fatal(err)
			}
			if hash(raw) != c.PixelsSHA256 {
				t.Errorf("values differ, bytes after the resize are equal")
			}
		})
	}
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Every way to hold the same pixels gives the same bytes.
func TestImageTypesAgree(t *testing.T) {
	src := picture(t, "RGB", 37, 23, 5)
	want := resize(src, 16, 16, mustFilter(t, 2))
	whole := image.NewNRGBA(image.Rect(-3, -4, 60, 60))
	draw.Draw(whole, image.Rect(5, 6, 42, 29), src, image.Point{}, draw.Src)
	rgba, deep, deepN := image.NewRGBA(src.Bounds()), image.NewRGBA64(src.Bounds()), image.NewNRGBA64(src.Bounds())
	for _, dst := range []draw.Image{rgba, deep, deepN} {
		draw.Draw(dst, src.Bounds(), src, image.Point{}, draw.Src)
	}
	images := map[string]image.Image{
		"RGBA": rgba, "RGBA64": deep, "NRGBA64": deepN,
		"sub-image": whole.SubImage(image.Rect(5, 6, 42, 29)),
	}
	for name, img := range images {
		if got := resize(img, 16, 16, mustFilter(t, 2)); !slices.Equal(got, want) {
			t.Errorf("%s differs from NRGBA", name)
		}
	}
}

// The JPEGs and what Pillow decodes them to were written by
// testdata/write_reference.py. The inverse cosine transforms of libjpeg-turbo
// and Go may differ by one step, which colour conversion can double.
func TestYCbCrEqualsLibjpeg(t *testing.T) {
	files, err := filepath.Glob("testdata/*.jpg")
	if err != nil || len(files) == 0 {
		t.Fatal("no JPEGs in testdata", err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			got, want := readPicture(t, path), readPicture(t, strings.TrimSuffix(path, "jpg")+"png")
			most, sum := 0, 0
			a, b := make([]byte, 3*got.Bounds().Dx()), make([]byte, 3*got.Bounds().Dx())
			for y := range got.Bounds().Dy() {
				rowReader(got)(a, y)
				rowReader(want)(b, y)
				for i := range a {
					d := max(int(a[i])-int(b[i]), int(b[i])-int(a[i]))
					most, sum = max(most, d), sum+d
				}
			}
			mean := float64(sum) / float64(len(a)*got.Bounds().Dy())
			if most > 3 || mean > 0.3 {
				t.Errorf("%T differs from Pillow by at most %d, mean %.3f", got, most, mean)
			}
		})
	}
}

func readPicture(t *testing.T, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, _, err := image.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A part of a picture is read as that part, whatever pixel it begins at.
func TestYCbCrParts(t *testing.T) {
	for ratio := image.YCbCrSubsampleRatio444; ratio <= image.YCbCrSubsampleRatio410; ratio++ {
		m := image.NewYCbCr(image.Rect(-4, 2, 9, 13), ratio)
		for _, plane := range [][]byte{m.Y, m.Cb, m.Cr} {
			for i := range plane {
				plane[i] = byte(100 + len(plane)%30)
			}
		}
		want := make([]byte, 3*13)
		rowReader(m)(want, 0)
		for x0 := -4; x0 < 9; x0++ {
			for y0 := 2; y0 < 13; y0++ {
				part := m.SubImage(image.Rect(x0, y0, 9, 13))
				got := make([]byte, 3*(9-x0))
				for y := range 13 - y0 {
					if rowReader(part)(got, y); !slices.Equal(got, want[:len(got)]) {
						t.Fatalf("%v from (%d,%d) row %d: %v, want %v", ratio, x0, y0, y, got, want)
					}
				}
			}
		}
	}
}

func TestTransparentIsWhite(t *testing.T) {
	p, err := Parse([]byte(`{"size": {"height": 2, "width": 2}, "resample": 2}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, img := range map[string]image.Image{
		"NRGBA": image.NewNRGBA(image.Rect(0, 0, 3, 3)), "RGBA": image.NewRGBA(image.Rect(0, 0, 3, 3)),
		"Alpha": image.NewAlpha(image.Rect(0, 0, 3, 3)), "NRGBA64": image.NewNRGBA64(image.Rect(0, 0, 3, 3)),
		"palette": image.NewPaletted(image.Rect(0, 0, 3, 3), color.Palette{color.Transparent}),
	} {
		pixels, err := p.Pixels(img)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Min(pixels) != 1 {
			t.Errorf("%s: least value %g, want 1 everywhere", name, slices.Min(pixels))
		}
	}
}

func TestNoPixels(t *testing.T) {
	p := &Processor{height: 2, width: 2}
	for _, img := range []image.Image{nil, image.NewGray(image.Rect(0, 0, 0, 5))} {
		if _, err := p.Pixels(img); err == nil {
			t.Errorf("%v: no error", img)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	p, err := Parse([]byte(`{"size": {"height": 16, "width": 16}}`))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for n := range 8 {
		img := picture(t, "RGB", 20+n*7, 30, n)
		want, _ := p.Pixels(img)
		wg.Go(func() {
			for range 50 {
				if got, _ := p.Pixels(img); !slices.Equal(got, want) {
					t.Error("result changed under concurrent use")
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestParse(t *testing.T) {
	tests := []struct{ name, json, fault string }{
		{"official", `{"do_convert_rgb":null,"do_normalize":true,"do_rescale":true,"do_resize":true,"image_mean":[0.5,0.5,0.5],"image_processor_type":"SiglipImageProcessor","image_std":[0.5,0.5,0.5],"processor_class":"SiglipProcessor","resample":2,"rescale_factor":0.00392156862745098,"size":{"height":512,"width":512}}`, ""},
		{"all defaults", `{}`, ""},
		{"nulls are defaults", `{"size":null,"resample":null,"image_mean":null,"image_processor_type":null}`, ""},
		{"number for all channels", `{"image_mean":0.5,"image_std":0.25}`, ""},
		{"size as a list", `{"size":[3,4]}`, ""},
		{"fast class", `{"image_processor_type":"SiglipImageProcessorFast"}`, ""},
		{"not JSON", `{`, "not a readable"},
		{"NaFlex", `{"image_processor_type":"Siglip2ImageProcessor"}`, "only SiglipImageProcessor"},
		{"no resize", `{"do_resize":false}`, "do_resize is false"},
		{"crop", `{"do_center_crop":true}`, "do_center_crop"},
		{"pad", `{"do_pad":true}`, "do_pad"},
		{"unknown filter", `{"resample":6}`, "resample is 6"},
		{"negative filter", `{"resample":-1}`, "resample is -1"},
		{"shortest edge", `{"size":{"shortest_edge":224}}`, "want"},
		{"one number", `{"size":224}`, "want"},
		{"no width", `{"size":{"height":224}}`, "want"},
		{"zero size", `{"size":{"height":0,"width":224}}`, "want 1 to"},
		{"huge size", `{"size":{"height":224,"width":1000000}}`, "want 1 to"},
		{"two channels", `{"image_mean":[0.5,0.5]}`, "2 values"},
		{"zero std", `{"image_std":[0.5,0,0.5]}`, "not finite"},
		{"huge factor", `{"rescale_factor":1e300}`, "not finite"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.json))
			if tt.fault == "" && err != nil {
				t.Fatal(err)
			}
			if tt.fault != "" && (err == nil || !strings.Contains(err.Error(), tt.fault)) {
				t.Fatalf("error %v, want one that says %q", err, tt.fault)
			}
		})
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("error %v does not name the file", err)
	}
	config := []byte(`{"size":{"height":48,"width":64}}`)
	if err := os.WriteFile(filepath.Join(dir, "preprocessor_config.json"), config, 0o644); err != nil {
		t.Fatal(err)
	}
	p, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if h, w := p.Size(); h != 48 || w != 64 {
		t.Errorf("size %d x %d", h, w)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"size":{"height":2,"width":3},"resample":3,"image_mean":[0,1,2],"image_std":1}`))
	f.Add([]byte(`{"size":[1,2],"resample":0,"do_rescale":false,"do_normalize":false}`))
	img := image.NewGray(image.Rect(0, 0, 3, 2))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse(data)
		if err != nil || p.height*p.width > 1<<16 {
			return
		}
		if pixels, err := p.Pixels(img); err != nil || len(pixels) != 3*p.height*p.width {
			t.Errorf("%d values, error %v", len(pixels), err)
		}
	})
}

func mustFilter(t testing.TB, code int) filter {
	t.Helper()
	f, err := filterByCode(code)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The opponent is golang.org/x/image/draw with the kernels of the same shape;
// it stops at the resized picture, Pixels goes on to the tensor.
func BenchmarkResize(b *testing.B) {
	photo := picture(b, "RGB", 2048, 1536, 1)
	rgba := image.NewRGBA(photo.Bounds())
	draw.Draw(rgba, rgba.Rect, photo, image.Point{}, draw.Src)
	jpeg := image.NewYCbCr(photo.Bounds(), image.YCbCrSubsampleRatio420)
	for name, img := range map[string]image.Image{"RGBA": rgba, "YCbCr": jpeg} {
		benchmarkResize(b, name, img)
	}
}

func benchmarkResize(b *testing.B, name string, img image.Image) {
	for code, kernel := range map[int]xdraw.Interpolator{2: xdraw.BiLinear, 3: xdraw.CatmullRom} {
		p := &Processor{height: 224, width: 224, filter: mustFilter(b, code)}
		b.Run(fmt.Sprintf("%s/resample=%d/polylens", name, code), func(b *testing.B) {
			for b.Loop() {
				if _, err := p.Pixels(img); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("%s/resample=%d/ximage", name, code), func(b *testing.B) {
			for b.Loop() {
				dst := image.NewRGBA(image.Rect(0, 0, 224, 224))
				kernel.Scale(dst, dst.Rect, img, img.Bounds(), draw.Src, nil)
			}
		})
	}
}
