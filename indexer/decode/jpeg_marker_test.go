package decode

import (
	"bytes"
	"os"
	"testing"
)

// TestUnknownMarkers: what stands before a marker that means nothing is shown, all of the
// picture if only its end marker is damaged.
func TestUnknownMarkers(t *testing.T) {
	decoder := &Decoder{Outside: openTurbo(t)}
	for _, name := range []string{"orientation1.jpg", "restart.jpg", "progressive.jpg", "orientation3_grey.jpg", "orientation8_422.jpg"} {
		whole, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		want := shownOf(t, decoder, whole)
		for _, marker := range []byte{0x41, 0xBF, 0xF0, 0xFD, 0x02} {
			end := bytes.Clone(whole[:len(whole)-1])
			if got := shownOf(t, decoder, append(end, marker)); !bytes.Equal(got, want) {
				t.Errorf("%s with end marker %#x: not the pixels of the whole picture", name, marker)
			}
			if name != "orientation1.jpg" && name != "restart.jpg" { // whose first rows come first
				continue
			}
			middle := bytes.Clone(whole)
			at := firstScan(whole) + (len(whole)-firstScan(whole))*3/4
			middle[at], middle[at+1] = 0xFF, marker
			got := shownOf(t, decoder, middle)
			if same := samePrefix(got, want); same < len(want)/8 {
				t.Errorf("%s with %#x in the middle: %d of %d samples are right", name, marker, same, len(want))
			}
			_, _, err := decoder.Bytes(t.Context(), "x", middle, nil, Limits{RefuseDamaged: true})
			if err == nil {
				t.Errorf("%s with %#x in the middle is taken though damage is refused", name, marker)
			}
		}
	}
}

func shownOf(t *testing.T, decoder *Decoder, data []byte) []byte {
	t.Helper()
	img, _, err := decoder.Bytes(t.Context(), "x", data, nil, Limits{})
	if err != nil {
		t.Error(err)
		return nil
	}
	var pixels []byte
	bounds := img.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			r, g, b, _ := img.At(x, y).RGBA()
			pixels = append(pixels, byte(r>>8), byte(g>>8), byte(b>>8))
		}
	}
	return pixels
}

func samePrefix(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// FuzzUnknownMarker: what is cut is a part of the file, and whole markers before the cut stay.
func FuzzUnknownMarker(f *testing.F) {
	for _, name := range []string{"orientation1.jpg", "progressive.jpg", "restart.jpg"} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(append(bytes.Clone(data[:len(data)-1]), 0x41))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		cut, ok := untilUnknownMarker(data)
		if !ok {
			return
		}
		kept, whole := bytes.CutSuffix(cut, endOfImage)
		if !whole || len(kept) >= len(data) || !bytes.HasPrefix(data, kept) || data[len(kept)] != 0xFF {
			t.Fatalf("%d bytes were cut to %d", len(data), len(cut))
		}
		if again, more := untilUnknownMarker(cut); more {
			t.Fatalf("%d bytes are cut again to %d", len(cut), len(again))
		}
	})
}
