package decode

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"
)

// A picture in an icon of macOS is what it is as a file of its own, at every size that is
// wanted, but for the name of its format.
func TestMacIconIsItsPicture(t *testing.T) {
	decoder := &Decoder{Outside: openOutside(t)}
	for _, name := range []string{"outside/rgb.jp2", "outside/reducible.jp2", "orientation7_alpha.png"} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range []Target{nil, func(int, int) (int, int) { return 16, 16 }} {
			want, info := decoded(t, decoder, data, target)
			got, inIcon := decoded(t, decoder, macIcon(data), target)
			if got.Bounds() != want.Bounds() || inIcon.Width != info.Width || inIcon.Height != info.Height || inIcon.Format != "icns" {
				t.Errorf("%s: %v, %+v; as a file %v, %+v", name, got.Bounds(), inIcon, want.Bounds(), info)
			} else if !bytes.Equal(pixelsAll(got), pixelsAll(want)) {
				t.Errorf("%s: pixels differ", name)
			}
		}
	}
}

func macIcon(picture []byte) []byte {
	const head = 8
	element := append([]byte("ic09"), binary.BigEndian.AppendUint32(nil, uint32(head+len(picture)))...)
	file := append([]byte("icns"), binary.BigEndian.AppendUint32(nil, uint32(2*head+len(picture)))...)
	return append(append(file, element...), picture...)
}
