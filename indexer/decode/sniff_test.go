package decode

import (
	"strings"
	"testing"
)

func TestSniff(t *testing.T) {
	for _, format := range []string{"jpeg", "png", "gif", "bmp", "tiff"} {
		data := encoded(t, format, gradient(9, 9))
		if name, picture := Sniff(data[:min(len(data), SniffLength)]); name != format || !picture {
			t.Errorf("%s: got %q, %v", format, name, picture)
		}
	}
	for _, test := range []struct {
		data, name string
		picture    bool
	}{
		{"RIFF\x10\x00\x00\x00WEBPVP8 ", "webp", true},
		{"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic", "heic", true},
		{"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1avif", "avif", true},
		{"\x00\x00\x00\x14ftypmif1\x00\x00\x00\x00mif1", "HEIF", false},
		{"\x00\x00\x00\x14ftypqt  ", "video", false},
		{"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01", "camera's raw file", false},
		{"II*\x00\x10\x00\x00\x00CR\x02\x00", "camera's raw file", false},
		{"\xff\x0a", "JPEG XL", false},
		{"\x00\x00\x01\x00\x01\x00", "ico", true},
		{"FUJIFILMCCD-RAW 0201", "camera's raw file", false},
		{"\x00\x00\x00\x00", "file of zeros", false},
		{"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X", "resource fork (AppleDouble)", false},
		{"", "empty file", false},
		{"BMW is a car, and this a text", "text", false},
		{"BM" + strings.Repeat("\x00", 12) + "\x28\x00\x00\x00", "bmp", true},
		{`{"title": "IMG_1.jpg"}`, "JSON", false},
		{"Grüße\r\n\tan alle", "text", false},
		{strings.Repeat("ü", SniffLength)[1 : SniffLength+1], "", false},
		{strings.Repeat("x", SniffLength-1) + "\xc3", "text", false},
		{"cut at \xc3", "", false},
		{"gr\xfc\xdfe", "", false},
		{"\x00\x01\x02", "", false},
	} {
		if name, picture := Sniff([]byte(test.data)); name != test.name || picture != test.picture {
			t.Errorf("%.20q: got %q, %v", test.data, name, picture)
		}
	}
}
