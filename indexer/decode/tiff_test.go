package decode

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func tiffFixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("tiff", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Kinds that x/image/tiff refused, each by another way through the package.
func TestTIFF(t *testing.T) {
	for _, tt := range []struct {
		name string
		want image.Image // of its type
	}{
		{"f_rgb_big_be.tif", &image.RGBA{}},
		{"f_rgb_planar.tif", &image.RGBA{}},
		{"c_jpeg_ycbcr.tif", &image.RGBA{}},
		{"p_lab.tif", &image.RGBA{}},
		{"f_float01.tif", &image.Gray{}},
		{"f_cmyk.tif", &image.CMYK{}},
		{"f_webp_lossy.tif", &image.RGBA{}},
		{"c_fax_g3_2d.tif", &image.Gray{}},
	} {
		img, info, err := Bytes(t.Context(), tt.name, tiffFixture(t, tt.name), Limits{})
		if err != nil || len(info.Warnings) > 0 {
			t.Errorf("%s: %v, warnings %q", tt.name, err, info.Warnings)
			continue
		}
		if reflect.TypeOf(img) != reflect.TypeOf(tt.want) {
			t.Errorf("%s: %T, want %T", tt.name, img, tt.want)
		}
		if info.Format != "tiff" || info.Width != 37 || info.Height != 21 {
			t.Errorf("%s: %+v", tt.name, info)
		}
	}
}

func TestTIFFThatEndsEarly(t *testing.T) {
	img, info, err := Bytes(t.Context(), "cut", tiffFixture(t, "h_cut_raw.tif"), Limits{})
	if err != nil || img == nil || len(info.Warnings) != 1 || !strings.Contains(info.Warnings[0], "cut off") {
		t.Errorf("%v, warnings %q", err, info.Warnings)
	}
}

func TestTIFFReasons(t *testing.T) {
	jpeg2000 := tiffFixture(t, "h_no_jpeg2000.tif")
	wide := tiffOf(60000, 60000, 1, []byte{0})
	mosaic := tiffOf(64, 64, 1, []byte{0})
	photometric := binary.LittleEndian.AppendUint16(nil, 262)
	at := bytes.Index(mosaic, photometric)
	binary.LittleEndian.PutUint32(mosaic[at+8:], 32803)
	for _, tt := range []struct {
		name   string
		data   []byte
		limits Limits
		want   Reason
		says   string
	}{
		{"JPEG 2000 inside", jpeg2000, Limits{}, Unsupported, "compression 34712 (JPEG 2000)"},
		{"raw", mosaic, Limits{}, UnknownFormat, "a camera's raw file"},
		{"ORF", []byte("IIRO\x08\x00\x00\x00"), Limits{}, UnknownFormat, "a camera's raw file (Olympus ORF)"},
		{"too much memory", wide, Limits{MaxPixels: 1e10}, TooManyPixels, "MiB to decode"},
		{"no pixels in the file", tiffOf(64, 64, 5, nil), Limits{}, Corrupt, "damaged"},
	} {
		_, _, err := Bytes(t.Context(), tt.name, tt.data, tt.limits)
		var e *Error
		if !errors.As(err, &e) || e.Reason != tt.want || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v; want %q and %q", tt.name, err, tt.want, tt.says)
		}
	}
}

// The orientation of a BigTIFF counts, too.
func TestBigTIFFOrientation(t *testing.T) {
	data := tiffFixture(t, "f_rgb_big_tiles.tif")
	resolution := binary.LittleEndian.AppendUint16(nil, 0x0128) // ResolutionUnit, a SHORT
	at := bytes.Index(data, append(resolution, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0))
	if at < 0 {
		t.Fatal("the file has no resolution unit to replace")
	}
	binary.LittleEndian.PutUint16(data[at:], 0x0112)
	binary.LittleEndian.PutUint16(data[at+12:], 6)
	_, info, err := Bytes(t.Context(), "turned", data, Limits{})
	if err != nil || info.Width != 21 || info.Height != 37 {
		t.Errorf("%+v, %v", info, err)
	}
}
