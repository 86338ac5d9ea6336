package color

import (
	"encoding/json"
	"image"
	"os"
	"testing"
)

// reference was written by testdata/write_reference.py.
type reference struct {
	Name               string
	Channels           int
	ICC, Samples, SRGB []byte
}

func references(tb testing.TB) []reference {
	tb.Helper()
	data, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		tb.Fatal(err)
	}
	var file struct{ Profiles []reference }
	if err := json.Unmarshal(data, &file); err != nil || len(file.Profiles) < 20 {
		tb.Fatal(len(file.Profiles), err)
	}
	return file.Profiles
}

// picture has one row.
func picture(channels int, samples []byte) image.Image {
	rect := image.Rect(0, 0, len(samples)/channels, 1)
	switch channels {
	case 1:
		return &image.Gray{Pix: samples, Stride: rect.Dx(), Rect: rect}
	case 4:
		return &image.CMYK{Pix: samples, Stride: len(samples), Rect: rect}
	}
	m := image.NewNRGBA(rect)
	for i := range rect.Dx() {
		copy(m.Pix[4*i:], samples[3*i:3*i+3])
		m.Pix[4*i+3] = 255
	}
	return m
}

// apart is the greatest difference of a row from R, G and B, and the mean.
func apart(img image.Image, rgb []byte) (most int, mean float64) {
	sum := 0
	for x := range img.Bounds().Dx() {
		r, g, b, _ := img.At(x, 0).RGBA()
		for c, v := range [3]uint32{r, g, b} {
			d := int(v>>8) - int(rgb[3*x+c])
			most, sum = max(most, d, -d), sum+max(d, -d)
		}
	}
	return most, float64(sum) / float64(len(rgb))
}

func TestProfilesEqualLCMS(t *testing.T) {
	for _, want := range references(t) {
		t.Run(want.Name, func(t *testing.T) {
			conversion, err := new(Cache).Conversion(Source{Profile: string(want.ICC)})
			if err != nil || conversion == nil {
				t.Fatal(conversion, err)
			}
			got, err := conversion.Apply(picture(want.Channels, want.Samples))
			if err != nil {
				t.Fatal(err)
			}
			most, mean := apart(got, want.SRGB)
			t.Logf("differs by at most %d, mean %.3f, by %T", most, mean, conversion.table(shallow))
			if most > 2 || mean > 0.3 {
				t.Errorf("differs from lcms2 by at most %d, mean %.3f", most, mean)
			}
		})
	}
}
