package decode

import (
	"image/color"
	"path/filepath"
	"testing"
)

// Chroma that has more samples than luma, and CMYK whose components differ in size. The
// files are of app/conformance, and show a red apple there.
func TestRareSampling(t *testing.T) {
	decoder := &Decoder{Outside: openOutside(t)}
	for _, name := range []string{"more_chroma.jpg", "cmyk_420.jpg"} {
		img, info, err := decoder.File(t.Context(), filepath.Join("testdata", name), nil, Limits{})
		if err != nil {
			t.Error(err)
			continue
		}
		c := color.NRGBAModel.Convert(img.At(46, 52)).(color.NRGBA)
		if c.R < 195 || c.G > 55 || c.B > 60 || len(info.Warnings) > 0 {
			t.Errorf("%s: %v, %v", name, c, info.Warnings)
		}
	}
}

// Zeros amid the data are codes, too: image/jpeg notices nothing.
func TestDamageThatOnlyLibjpegNotices(t *testing.T) {
	decoder := &Decoder{Outside: openOutside(t)}
	path := filepath.Join("testdata", "zeros_inside.jpg")
	img, info, err := decoder.File(t.Context(), path, nil, Limits{})
	if err != nil || len(info.Warnings) != 1 {
		t.Fatalf("%v, %v", info.Warnings, err)
	}
	if c := color.NRGBAModel.Convert(img.At(110, 80)).(color.NRGBA); c != (color.NRGBA{0, 64, 89, 255}) {
		t.Errorf("%v; Pillow sees another colour", c)
	}
}
