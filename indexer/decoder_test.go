package indexer

import (
	"bytes"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"polylens/indexer/decode"
	"polylens/indexer/decode/turbo"
)

// sized is an Encoder that tells the size of its input.
type sized struct{ Encoder }

func (sized) PictureSize(width, height int) (int, int) { return width / 16, height / 16 }

func TestTarget(t *testing.T) {
	if target(struct{ Encoder }{}) != nil {
		t.Error("an encoder that tells no size wants every pixel")
	}
	if width, height := target(sized{})(320, 160); width != 20 || height != 10 {
		t.Errorf("%d x %d, want 20 x 10", width, height)
	}
}

// What is kept of a picture is about the file, whatever part of it was decoded.
func TestDecodeWithTarget(t *testing.T) {
	library, err := turbo.Open(os.Getenv("POLYLENS_TURBOJPEG"))
	if err != nil {
		t.Skipf("%v; or set POLYLENS_TURBOJPEG to what \"polylens setup\" fetched", err)
	}
	var data bytes.Buffer
	if err := jpeg.Encode(&data, image.NewGray(image.Rect(0, 0, 320, 160)), nil); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "black.jpg")
	if err := os.WriteFile(path, data.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	whole, err := NewDecoder(decode.Limits{})(t.Context(), path, target(sized{}))
	if err != nil {
		t.Fatal(err)
	}
	reduced, err := DecodeWith(&decode.Decoder{Turbo: library}, decode.Limits{})(t.Context(), path, target(sized{}))
	if err != nil {
		t.Fatal(err)
	}
	if got := reduced.Image.Bounds().Size(); got != image.Pt(80, 40) {
		t.Errorf("decoded as %v, want 80 x 40", got)
	}
	whole.Image, reduced.Image = nil, nil
	if reduced != whole || whole.Width != 320 || whole.Color != "#000000" {
		t.Errorf("%+v, want %+v", reduced, whole)
	}
}
