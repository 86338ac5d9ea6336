package decode

import (
	"encoding/binary"
	"image"
	"image/color"
	"image/draw"
	"testing"
)

// Every type of picture is turned as the RGBA copy of it is, pixel by pixel.
func TestOrientAllTypes(t *testing.T) {
	r := image.Rect(0, 0, 6, 4)
	pictures := map[string]draw.Image{
		"Gray": image.NewGray(r), "NRGBA": image.NewNRGBA(r), "RGBA": image.NewRGBA(r), "CMYK": image.NewCMYK(r),
		"NRGBA64": image.NewNRGBA64(r), "RGBA64": image.NewRGBA64(r), "Alpha": image.NewAlpha(r),
		"Paletted": image.NewPaletted(r, color.Palette{color.Black, color.White, color.NRGBA{255, 0, 0, 255}}),
	}
	for name, m := range pictures {
		for y := range 4 {
			for x := range 6 {
				m.Set(x, y, color.NRGBA{byte(x * 40), byte(y * 60), byte(x*y*10 + 5), 255})
			}
		}
		checkTurns(t, name, m)
	}
	for _, size := range []image.Rectangle{r, image.Rect(0, 0, 5, 4), image.Rect(0, 0, 6, 3), image.Rect(0, 0, 1, 1)} {
		for ratio := image.YCbCrSubsampleRatio444; ratio <= image.YCbCrSubsampleRatio410; ratio++ {
			m := image.NewYCbCr(size, ratio)
			for _, plane := range [][]byte{m.Y, m.Cb, m.Cr} {
				for i := range plane {
					plane[i] = byte(i*37 + len(plane))
				}
			}
			checkTurns(t, ratio.String()+size.String(), m)
		}
	}
}

// source is where the pixel (x, y) of the upright picture comes from, out of
// the table of the EXIF standard.
func source(orientation, x, y, w, h int) (int, int) {
	switch orientation {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return y, h - 1 - x
	case 7:
		return w - 1 - y, h - 1 - x
	case 8:
		return w - 1 - y, x
	}
	return x, y
}

func checkTurns(t *testing.T, name string, m image.Image) {
	t.Helper()
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	rgba := toRGBA(m)
	for o := 0; o <= 9; o++ {
		got := toRGBA(orient(m, o))
		wantW, wantH := w, h
		if o >= 5 && o <= 8 {
			wantW, wantH = h, w
		}
		if got.Rect != image.Rect(0, 0, wantW, wantH) {
			t.Errorf("%s orientation %d: %v", name, o, got.Rect)
			continue
		}
		for y := range wantH {
			for x := range wantW {
				sx, sy := source(o, x, y, w, h)
				if got.RGBAAt(x, y) != rgba.RGBAAt(sx, sy) {
					t.Fatalf("%s orientation %d: (%d,%d) is %v, want %v", name, o, x, y, got.RGBAAt(x, y), rgba.RGBAAt(sx, sy))
				}
			}
		}
	}
}

func tiffHeader(order binary.AppendByteOrder, mark string, tag, kind, value uint16) []byte {
	b := order.AppendUint32([]byte(mark), 8)
	b = order.AppendUint16(b, 1)
	b = order.AppendUint16(b, tag)
	b = order.AppendUint16(b, kind)
	b = order.AppendUint32(b, 1)
	b = order.AppendUint16(b, value)
	return append(b, 0, 0, 0, 0, 0, 0)
}

func TestReadMetadata(t *testing.T) {
	little := tiffHeader(binary.LittleEndian, "II*\x00", 0x0112, 3, 6)
	big := tiffHeader(binary.BigEndian, "MM\x00*", 0x0112, 3, 8)
	segment := func(exif []byte) []byte {
		n := len(exif) + 8
		return append([]byte("\xff\xe1"+string([]byte{byte(n >> 8), byte(n)})+"Exif\x00\x00"), exif...)
	}
	jpegOf := func(parts ...[]byte) []byte {
		out := []byte("\xff\xd8")
		for _, p := range parts {
			out = append(out, p...)
		}
		return out
	}
	tests := []struct {
		name, format string
		data         []byte
		want         metadata
	}{
		{"little endian", "tiff", little, metadata{orientation: 6}},
		{"big endian", "tiff", big, metadata{orientation: 8}},
		{"other tag", "tiff", tiffHeader(binary.BigEndian, "MM\x00*", 0x0100, 3, 8), metadata{orientation: 1}},
		{"value 9", "tiff", tiffHeader(binary.BigEndian, "MM\x00*", 0x0112, 3, 9), metadata{orientation: 1}},
		{"value 0", "tiff", tiffHeader(binary.BigEndian, "MM\x00*", 0x0112, 3, 0), metadata{orientation: 1}},
		{"type long", "tiff", tiffHeader(binary.BigEndian, "MM\x00*", 0x0112, 4, 8), metadata{orientation: 1}},
		{"offset outside", "tiff", []byte("II*\x00\xff\xff\xff\xff"), metadata{orientation: 1}},
		{"entries cut off", "tiff", little[:15], metadata{orientation: 1}},
		{"JPEG", "jpeg", jpegOf(segment(little)), metadata{orientation: 6}},
		{"JPEG after another segment", "jpeg", jpegOf([]byte("\xff\xe0\x00\x04ab"), segment(big)), metadata{orientation: 8}},
		{"JPEG with fill bytes", "jpeg", jpegOf([]byte("\xff\xff\xff"), segment(big)), metadata{orientation: 8}},
		{"JPEG after the scan", "jpeg", jpegOf([]byte("\xff\xda\x00\x04ab"), segment(big)), metadata{orientation: 1}},
		{"JPEG segment too long", "jpeg", jpegOf([]byte("\xff\xe1\xff\xffExif\x00\x00")), metadata{orientation: 1}},
		{"JPEG segment too short", "jpeg", jpegOf([]byte("\xff\xe1\x00\x01"), segment(big)), metadata{orientation: 1}},
		{"JPEG progressive", "jpeg", jpegOf([]byte("\xff\xc2\x00\x04ab"), segment(little)), metadata{orientation: 6, progressive: true, samples: 4}},
		{"JPEG first of two", "jpeg", jpegOf(segment(big), segment(little)), metadata{orientation: 8}},
		{"WebP chunk too long", "webp", []byte("RIFF\x00\x00\x00\x00WEBPEXIF\xff\xff\xff\xff"), metadata{orientation: 1, cut: true}},
		{"WebP with JPEG header", "webp", append([]byte("RIFF\x00\x00\x00\x00WEBPEXIF\x20\x00\x00\x00Exif\x00\x00"), little...), metadata{orientation: 6}},
		{"PNG chunk too long", "png", []byte("\x89PNG\r\n\x1a\n\xff\xff\xff\xffeXIf\x00\x00\x00\x00"), metadata{orientation: 1}},
		{"nothing", "jpeg", nil, metadata{orientation: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := readMetadata(tt.format, tt.data); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

func FuzzMetadata(f *testing.F) {
	f.Add(tiffHeader(binary.LittleEndian, "II*\x00", 0x0112, 3, 6))
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x22Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x08\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range []string{"jpeg", "png", "webp", "tiff", "gif"} {
			if m := readMetadata(format, data); m.orientation < 1 || m.orientation > 8 {
				t.Errorf("%s: orientation %d", format, m.orientation)
			}
		}
	})
}
