package decode

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// What is not read is called by its name, whatever the file's name says.
func TestOthersAreNamed(t *testing.T) {
	for _, tt := range []struct{ data, says string }{
		{"II*\x00\x10\x00\x00\x00CR\x02\x00", "a camera's raw file (Canon CR2)"}, {"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01", "a camera's raw file (Canon CR3)"},
		{"FUJIFILMCCD-RAW 0201", "a camera's raw file (Fujifilm RAF)"}, {"IIU\x00\x18\x00\x00\x00", "a camera's raw file (Panasonic RW2)"}, {"IIRO\x08\x00\x00\x00", "a camera's raw file (Olympus ORF)"},
		{"\xff\x0a\xfa\x7f", "JPEG XL"}, {"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL"},
		{"#define picture_width 16\n#define picture_height 7\n", "text"}, {"#define MAX 1\nint bits[] = {1};\n", "text"}, {"v/1\x01\x02\x00\x00\x00", "OpenEXR"},
		{"%PDF-1.7\n", "PDF"}, {"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"}, {"\xc5\xd0\xd3\xc6\x1e\x00", "PostScript"},
		{"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"}, {"\xef\xbb\xbf  <SVG>", "SVG"}, {"\n<?xml version='1.0'?>", "XML or SVG"},
		{"<!DOCTYPE html><html>", "a web page"}, {"\r\n<html><head>", "a web page"}, {"<x:xmpmeta xmlns:x='adobe:ns:meta/'>", "an XMP sidecar"},
		{`{"title": "IMG_1.jpg"}`, "JSON"}, {"[ViewState]\r\nMode=", "settings"}, {"A caption, größer als sonst", "text"}, {"\xff\xfeh\x00i\x00", "UTF-16"},
		{"\x00\x00\x00\x14ftypqt  ", "a video"}, {"\x00\x00\x00\x18ftypmp42", "a video"}, {"\x00\x00\x00\x08wide\x00\x00", "a video"},
		{"\x1aE\xdf\xa3\x01\x00", "a video"}, {"RIFF\x00\x00\x00\x00AVI LIST", "a video"}, {"RIFF\x00\x00\x00\x00WAVEfmt ", "sound"},
		{"PK\x03\x04\x14\x00", "a zip archive"}, {"\x1f\x8b\x08\x00", "a gzip file"}, {strings.Repeat("a", 257) + "ustar\x0000", "a tar archive"},
		{"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        ", "AppleDouble"}, {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a database of thumbnails"},
		{"BMW is a car", "text"}, {"P1 is a word", "text"}, {"\x00\x01\x02\x03\x04", "00 01 02 03, are of no format"},
	} {
		_, _, err := Bytes(t.Context(), "holiday.jpg", []byte(tt.data), Limits{})
		var e *Error
		if !errors.As(err, &e) || e.Reason != UnknownFormat || !strings.Contains(err.Error(), tt.says) || len(err.Error()) > 200 {
			t.Errorf("%.20q: %v, want %q", tt.data, err, tt.says)
		}
	}
	_, _, err := Bytes(t.Context(), "holiday.jpg", make([]byte, 5000), Limits{})
	var e *Error
	if !errors.As(err, &e) || e.Reason != Empty {
		t.Errorf("zeros: %v", err)
	}
}

// The list for people names what is read, and nothing else, and the remedy is of it.
func TestReadableListsCodecs(t *testing.T) {
	list := Readable()
	for _, c := range codecs {
		if strings.Count(list, c.title) < 1 {
			t.Errorf("%q lacks %s", list, c.title)
		}
	}
	if got := len(strings.FieldsFunc(list, func(r rune) bool { return r == ' ' || r == ',' })); got != 24 { // 20 names, of which two have two words, and "and"
		t.Errorf("%q has %d words", list, got)
	}
	for _, name := range []string{"JPEG", "PNG", "TIFF"} {
		if !strings.Contains(remedies[UnknownFormat], name) || !strings.Contains(list, name) {
			t.Errorf("%q is not of %q", remedies[UnknownFormat], list)
		}
	}
}

// A limit that refuses a picture is called by the name that the user knows, if it has one.
func TestLimitsAreNamed(t *testing.T) {
	picture := encoded(t, "png", gradient(1200, 1000))
	names := Names{MaxBytes: "--bytes", MaxPixels: "--pixels", MaxSide: "--side", MaxMemory: "--memory", Timeout: "--time"}
	for name, tt := range map[string]struct {
		limits Limits
		says   string
	}{
		"--bytes":  {Limits{MaxBytes: 1001}, "the limit is --bytes 1,001"},
		"--pixels": {Limits{MaxPixels: 1_100_000}, "it has 1,200,000 pixels; the limit is --pixels 1,100,000"},
		"--side":   {Limits{MaxSide: 1100}, "it has 1,200 x 1,000 pixels; on a side the limit is --side 1,100"},
		"--memory": {Limits{MaxMemory: 8 << 20}, "it may take 9 MiB to decode; the limit of memory for decoding is --memory 8"},
		"--time":   {Limits{Timeout: time.Nanosecond}, "it takes longer than 1ns"},
	} {
		_, _, err := Bytes(t.Context(), "x", picture, tt.limits)
		var e *Error
		if !errors.As(err, &e) || e.Setting != "" || strings.Contains(err.Error(), "--") {
			t.Errorf("without names: %v", err)
		}
		tt.limits.Names = names
		_, _, err = Bytes(t.Context(), "x", picture, tt.limits)
		if !errors.As(err, &e) || e.Setting != name || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "or allow more with "+name) {
			t.Errorf("%v, want %q", err, tt.says)
		}
	}
}

// Bytes before a JPEG, as careless downloads have them, are passed over.
func TestBytesBeforeJPEG(t *testing.T) {
	whole := encoded(t, "jpeg", gradient(30, 20))
	for _, before := range []string{"\r\n", " ", "HTTP/1.1 200 OK\r\n\r\n", strings.Repeat("x", 900)} {
		_, info, err := Bytes(t.Context(), "x", append([]byte(before), withOrientation(whole, 6)...), Limits{})
		if err != nil || info.Format != "jpeg" || info.Width != 20 || info.Size != int64(len(before)+len(withOrientation(whole, 6))) {
			t.Errorf("%.10q: %+v, %v", before, info, err)
		}
	}
	if _, _, err := Bytes(t.Context(), "x", append(bytes.Repeat([]byte("x"), 2000), whole...), Limits{}); err == nil {
		t.Error("a JPEG was found far inside of text")
	}
}

// A JPEG without its end marker shows the same.
func TestJPEGWithoutEnd(t *testing.T) {
	for name, warnings := range map[string]int{"orientation6_420.jpg": 0, "progressive.jpg": 1, "restart.jpg": 0} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		want, _, err := Bytes(t.Context(), name, data, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got, info, err := Bytes(t.Context(), name, data[:len(data)-2], Limits{})
		if err != nil || len(info.Warnings) != warnings {
			t.Fatalf("%s: %v, %q", name, err, info.Warnings)
		}
		if most, _ := difference(got, pixelsAll(want)); most != 0 {
			t.Errorf("%s differs by %d", name, most)
		}
	}
}
