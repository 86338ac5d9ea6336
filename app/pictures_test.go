package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// drawPicture writes a small picture that differs for every seed, and returns
// its path. The ending chooses PNG or JPEG.
func drawPicture(t testing.TB, folder, name string, seed int) string {
	t.Helper()
	picture := image.NewNRGBA(image.Rect(0, 0, 40, 30))
	for y := range 30 {
		for x := range 40 {
			picture.Set(x, y, color.NRGBA{R: uint8(seed * 37), G: uint8(x * seed), B: uint8(y*6 + seed), A: 255})
		}
	}
	var data bytes.Buffer
	var err error
	if strings.HasSuffix(name, ".png") {
		err = png.Encode(&data, picture)
	} else {
		err = jpeg.Encode(&data, picture, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, name)
	writeFile(t, path, data.String())
	return path
}

// drawFolder writes pictures with the seeds from first to last.
func drawFolder(t testing.TB, folder string, first, last int) {
	t.Helper()
	for seed := first; seed <= last; seed++ {
		name := fmt.Sprintf("picture-%03d.png", seed)
		drawPicture(t, folder, name, seed)
		writeFile(t, filepath.Join(folder, name+".json"), fmt.Sprintf(`{"caption":"picture %d","seed":%d,"parity":%d}`, seed, seed, seed%2))
	}
}

func writeFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
