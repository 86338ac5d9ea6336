package icns

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"polylens/indexer/decode/raster"
)

const png = "\x89PNG\r\n\x1a\n"

func element(name, content string) string {
	return name + string(binary.BigEndian.AppendUint32(nil, uint32(headLength+len(content)))) + content
}

func TestLargest(t *testing.T) {
	small, large := png+"small", "\xff\x4f\xff\x51large"
	for name, tt := range map[string]struct {
		elements, want string
	}{
		"the larger one":                {element("ic07", small) + element("ic09", large), large},
		"whatever the order":            {element("ic09", large) + element("ic07", small), large},
		"of equals the first":           {element("ic12", small) + element("icp6", large), small},
		"not what is no picture":        {element("ic10", "ARGB....") + element("ic07", small), small},
		"not what is of another kind":   {element("info", large) + element("TOC ", "ic07....") + element("ic07", small), small},
		"as far as the file goes":       {element("ic07", small)[:8+10], small[:10]},
		"not beyond a length of none":   {element("ic07", small) + "ic09\x00\x00\x00\x00" + large, small},
		"bytes behind the last element": {element("ic07", small) + "\x00\x00\x00", small},
	} {
		got, err := Largest([]byte(element("icns", tt.elements)))
		if err != nil || string(got) != tt.want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	var unsupported raster.Unsupported
	if _, err := Largest([]byte(element("icns", element("it32", "....")))); !errors.As(err, &unsupported) {
		t.Errorf("without PNG: %v", err)
	}
	if _, err := Largest([]byte(element("icns", ""))); err == nil || errors.As(err, &unsupported) {
		t.Errorf("empty: %v", err)
	}
}

func FuzzLargest(f *testing.F) {
	names, err := filepath.Glob("../testdata/formats/*.icns")
	if err != nil || len(names) == 0 {
		f.Fatalf("%v, %v", names, err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		picture, err := Largest(data)
		if err == nil && (!isPicture(picture) || !bytes.Contains(data, picture)) {
			t.Fatalf("%q", picture)
		}
	})
}
