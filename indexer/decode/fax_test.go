package decode

import (
	"bytes"
	"encoding/binary"
	"image/color"
	"os"
	"testing"
)

// TestFax reads a TIFF that Pillow 13 wrote (compression "group4"): black in the
// corner of 5 x 3 pixels, white elsewhere. Where its header is changed to say that white
// is zero, the same data are the negative.
func TestFax(t *testing.T) {
	data, err := os.ReadFile("testdata/fax.tiff")
	if err != nil {
		t.Fatal(err)
	}
	tag := binary.LittleEndian.AppendUint16(nil, 0x0106)
	at := bytes.Index(data, append(tag, 3, 0, 1, 0, 0, 0, 1))
	if at < 0 {
		t.Fatal("the file does not say that black is zero")
	}
	negative := bytes.Clone(data)
	negative[at+8] = 0
	for name, test := range map[string]struct {
		data   []byte
		corner uint8
	}{"black is zero": {data, 0}, "white is zero": {negative, 255}} {
		img, _, err := new(Decoder).Bytes(t.Context(), name, test.data, nil, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		for y := range 8 {
			for x := range 16 {
				want := ^test.corner
				if x < 5 && y < 3 {
					want = test.corner
				}
				if got := color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y; got != want {
					t.Fatalf("%s: pixel %d,%d is %d, want %d", name, x, y, got, want)
				}
			}
		}
	}
}
