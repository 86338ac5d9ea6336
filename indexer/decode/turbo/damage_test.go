package turbo

import (
	"bytes"
	"errors"
	"image"
	"strings"
	"testing"
)

func TestTolerant(t *testing.T) {
	library := open(t)
	whole := ramp(64, 480)
	scan := bytes.Index(whole, startOfScan)
	broken := bytes.Clone(whole)
	for i := range 30 {
		broken[scan+200+i] = 0x7F
	}
	thumbnail := append([]byte{0xFF, 0xD8, 0xFF, 0xE1, 0, 12}, "\xFF\xDA thumb\xFF\xDA"[:10]...)
	for _, tt := range []struct {
		name   string
		data   []byte
		points int
		says   string
		most   int // rows that are missing
		least  int
	}{
		{"no end", whole[:len(whole)-2], 8, "no row", 0, 0},
		{"half", whole[:scan+(len(whole)-scan)/2], 8, "of 480 rows the last", 300, 180},
		{"half, reduced", whole[:scan+(len(whole)-scan)/2], 2, "of 480 rows the last", 300, 180},
		{"half, with a thumbnail", append(thumbnail, whole[2:scan+(len(whole)-scan)/2]...), 8, "of 480 rows the last", 300, 180},
		{"bad codes", broken, 8, "damaged", 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := Want{Full: image.Pt(64, 480), Points: tt.points}
			if _, _, err := library.Decode(tt.data, want); !errors.Is(err, ErrRefused) {
				t.Errorf("it is not refused: %v", err)
			}
			want.Tolerant = true
			img, damage, err := library.Decode(tt.data, want)
			if err != nil || !strings.Contains(damage, tt.says) {
				t.Fatalf("%q, %v; it should say %q", damage, err, tt.says)
			}
			if rows := unsetRows(img) * 8 / tt.points; rows < tt.least || tt.most > 0 && rows > tt.most {
				t.Errorf("%d rows are missing", rows)
			}
		})
	}
	for name, data := range map[string][]byte{"header only": whole[:scan-5], "no JPEG": []byte("no JPEG")} {
		if img, _, err := library.Decode(data, Want{Full: image.Pt(64, 480), Points: 8, Tolerant: true}); img != nil || !errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDamage(f *testing.F) {
	f.Add(ramp(16, 16), 3, 8)
	f.Fuzz(func(t *testing.T, data []byte, rows, points int) {
		if points < 1 || points > 8 || rows < 1 || rows > 1000 {
			return
		}
		img := image.NewGray(image.Rect(0, 0, 3, Reduced(rows, points)))
		if text := damageOf(data, img, Want{Full: image.Pt(3, rows), Points: points}, "m"); !strings.HasPrefix(text, "the ") || strings.HasSuffix(text, ".") {
			t.Errorf("%q", text)
		}
	})
}
