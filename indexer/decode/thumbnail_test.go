package decode

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"testing"
)

func TestThumbnail(t *testing.T) {
	transparent := image.NewNRGBA(image.Rect(0, 0, 300, 100))
	draw.Draw(transparent, image.Rect(0, 0, 150, 100), image.NewUniform(color.NRGBA{200, 10, 10, 255}), image.Point{}, draw.Src)
	tests := []struct {
		name     string
		img      image.Image
		side     int
		w, h     int
		wantType string
	}{
		{"wide", gradient(300, 100), 60, 60, 20, "image/jpeg"},
		{"tall", gradient(100, 300), 60, 20, 60, "image/jpeg"},
		{"never larger", gradient(30, 10), 60, 30, 10, "image/jpeg"},
		{"one pixel stays", gradient(1, 900), 30, 1, 30, "image/jpeg"},
		{"thin", gradient(2000, 1), 30, 30, 1, "image/jpeg"},
		{"transparent", transparent, 30, 30, 10, "image/png"},
		{"YCbCr", image.NewYCbCr(image.Rect(0, 0, 64, 64), image.YCbCrSubsampleRatio420), 16, 16, 16, "image/jpeg"},
		{"part of a picture", gradient(300, 100).SubImage(image.Rect(100, 50, 200, 100)), 60, 60, 30, "image/jpeg"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data, contentType, err := Thumbnail(tt.img, tt.side)
			if err != nil {
				t.Fatal(err)
			}
			m, _, err := image.Decode(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if contentType != tt.wantType || m.Bounds().Dx() != tt.w || m.Bounds().Dy() != tt.h {
				t.Errorf("%s %v, want %s %d x %d", contentType, m.Bounds(), tt.wantType, tt.w, tt.h)
			}
		})
	}
	for _, side := range []int{0, -1} {
		if _, _, err := Thumbnail(gradient(2, 2), side); err == nil {
			t.Errorf("side %d: no error", side)
		}
	}
	if _, _, err := Thumbnail(image.NewGray(image.Rectangle{}), 5); err == nil {
		t.Error("no pixels: no error")
	}
}

func TestAverageColor(t *testing.T) {
	half := image.NewNRGBA(image.Rect(0, 0, 200, 50))
	draw.Draw(half, image.Rect(0, 0, 100, 50), image.NewUniform(color.NRGBA{0, 0, 0, 255}), image.Point{}, draw.Src)
	tests := []struct {
		name string
		img  image.Image
		want string
	}{
		{"black beside transparent", half, "#808080"},
		{"one colour", image.NewUniform(color.NRGBA{1, 2, 3, 255}), "#010203"},
		{"half transparent", image.NewUniform(color.NRGBA{0, 0, 0, 51}), "#cccccc"},
		{"no pixels", image.NewGray(image.Rectangle{}), "#ffffff"},
	}
	for _, tt := range tests {
		img := tt.img
		if u, ok := img.(*image.Uniform); ok {
			m := image.NewNRGBA(image.Rect(5, 5, 8, 70))
			draw.Draw(m, m.Rect, u, image.Point{}, draw.Src)
			img = m
		}
		if got := AverageColor(img); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
