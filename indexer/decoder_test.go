package indexer

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"polylens/indexer/decode"
	"polylens/indexer/decode/outside"
	"polylens/internal/needs"
	"polylens/internal/ordinary"
)

// sized is an Encoder that reports the size of its input.
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
	pool := outside.New(outside.Options{Libraries: map[string]string{decode.TurboJPEG: needs.TurboJPEG(t)}})
	defer pool.Close()
	var data bytes.Buffer
	if err := jpeg.Encode(&data, image.NewGray(image.Rect(0, 0, 320, 160)), nil); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "black.jpg")
	if err := os.WriteFile(path, data.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	whole := decoded(t, DecodeWith(new(decode.Decoder), decode.Limits{}), path)
	reduced := decoded(t, DecodeWith(&decode.Decoder{Outside: pool}, decode.Limits{}), path)
	if got := reduced.Image.Bounds().Size(); got != image.Pt(80, 40) {
		t.Errorf("decoded as %v, want 80 x 40", got)
	}
	for _, picture := range []Picture{whole, reduced} {
		if picture.Width != 320 || picture.Height != 160 || picture.Format != "jpeg" || picture.Color != "#000000" {
			t.Errorf("%d x %d, %s, %s", picture.Width, picture.Height, picture.Format, picture.Color)
		}
	}
}

func decoded(t *testing.T, decoder Decoder, path string) Picture {
	t.Helper()
	content, err := decoder.Read(t.Context(), path, func(ctx context.Context) (*ordinary.File, error) { return ordinary.OpenContext(ctx, path) })
	if err != nil {
		t.Fatal(err)
	}
	picture, err := decoder.Decode(t.Context(), content, target(sized{}))
	if err != nil {
		t.Fatal(err)
	}
	picture.Release()
	return picture
}

// releasing counts pictures in use.
type releasing struct {
	Decoder
	inUse *atomic.Int32
}

func (d releasing) Decode(ctx context.Context, content decode.Content, target decode.Target) (Picture, error) {
	picture, err := d.Decoder.Decode(ctx, content, target)
	if err == nil {
		d.inUse.Add(1)
		picture.Release = func() { d.inUse.Add(-1) }
	}
	return picture, err
}

// watching checks that a picture is in use while it is preprocessed.
type watching struct {
	Encoder
	inUse *atomic.Int32
	t     *testing.T
}

func (e watching) For(int) (Encoder, error) { return e, nil }

func (e watching) Preprocess(picture image.Image) (Pixels, error) {
	if e.inUse.Load() < 1 {
		e.t.Error("released before it was preprocessed")
	}
	return e.Encoder.Preprocess(picture)
}

func TestPicturesAreReleased(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": picture(1), "b.png": picture(2), "13.png": unlucky(t)})
	var inUse atomic.Int32
	b.decoder = releasing{testDecoder, &inUse}
	b.Indexer.encoder = watching{b.encoder, &inUse, t}
	wantCounts(t, "run", b.run(t), counts{encoded: 2, failed: 1})
	if n := inUse.Load(); n != 0 {
		t.Errorf("%d pictures are never released", n)
	}
}

// A decoder whose process cannot be had says nothing about the picture: that keeps its
// image, and is tried again.
func TestInterruptedDecodingMayPass(t *testing.T) {
	pool := outside.New(outside.Options{Libraries: map[string]string{decode.OpenJPEG: needs.OpenJPEG(t)}})
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
	decoder := DecodeWith(&decode.Decoder{Outside: pool}, decode.Limits{})
	path := filepath.Join("decode", "testdata", "outside", "rgb.jp2")
	content, err := decoder.Read(t.Context(), path, func(ctx context.Context) (*ordinary.File, error) { return ordinary.OpenContext(ctx, path) })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := decoder.Decode(t.Context(), content, nil); !errors.Is(err, outside.ErrAbsent) || !mayPass(err) {
		t.Errorf("%v, as if the picture were at fault", err)
	}
}
