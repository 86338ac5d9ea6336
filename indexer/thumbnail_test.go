package indexer

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"polylens/indexer/catalog"
)

// wide is a picture of 600 x 300 pixels.
func wide(t *testing.T) []byte {
	t.Helper()
	var data bytes.Buffer
	if err := png.Encode(&data, image.NewNRGBA(image.Rect(0, 0, 600, 300))); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

func TestThumbnails(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": wide(t), "same.png": wide(t)})
	b.run(t)
	var decoded atomic.Int32
	thumbnails, err := NewThumbnails(filepath.Join(t.TempDir(), "thumbnails"), b.store, nil,
		watchedDecoder{testDecoder, func() error { decoded.Add(1); return nil }})
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			got, err := thumbnails.Get(t.Context(), "c", b.image(t, []string{"a.png", "same.png"}[i%2]).ID, 200)
			if err != nil {
				t.Error(err)
				return
			}
			config, _, err := image.DecodeConfig(bytes.NewReader(got.Data))
			if err != nil || config.Width != 256 || config.Height != 128 {
				t.Errorf("got %d x %d, %v; want 256 x 128", config.Width, config.Height, err)
			}
			if got.ContentType != "image/png" && got.ContentType != "image/jpeg" {
				t.Errorf("content type %s", got.ContentType)
			}
		})
	}
	group.Wait()
	if n := decoded.Load(); n > 2 { // a late one may just miss the flight, not the file
		t.Errorf("decoded %d times for one content", n)
	}
	if _, err := thumbnails.Get(t.Context(), "c", "unknown", 200); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("unknown image: got %v, want ErrNotFound", err)
	}
	// Made before, it is there without the original; another size is not.
	id := b.image(t, "a.png").ID
	b.remove(t, "a.png")
	if _, err := thumbnails.Get(t.Context(), "c", id, 256); err != nil {
		t.Error(err)
	}
	if _, err := thumbnails.Get(t.Context(), "c", id, 512); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("original gone: got %v, want fs.ErrNotExist", err)
	}
}

func TestThumbnailOfAChangedFileIsNotMade(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": wide(t)})
	b.run(t)
	write(t, b.folder, map[string][]byte{"a.png": picture(1)})
	folder := t.TempDir()
	thumbnails, err := NewThumbnails(folder, b.store, nil, watchedDecoder{testDecoder, func() error { t.Error("it was decoded"); return nil }})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := thumbnails.Get(t.Context(), "c", b.image(t, "a.png").ID, 100); !errors.Is(err, catalog.ErrChanged) || got.Data != nil {
		t.Errorf("got %d bytes, %v; want ErrChanged", len(got.Data), err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 0 {
		t.Errorf("kept %v, %v", entries, err)
	}
}

func TestRoundSide(t *testing.T) {
	for side, want := range map[int]int{-1: 128, 1: 128, 128: 128, 129: 256, 1024: 1024, 1 << 20: 1024} {
		if got := roundSide(side); got != want {
			t.Errorf("roundSide(%d) = %d, want %d", side, got, want)
		}
	}
}

func TestSniffNeverGivesWhatABrowserRuns(t *testing.T) {
	for data, want := range map[string]string{
		"<html><script>alert(1)</script>":                "application/octet-stream",
		"<svg xmlns='http://www.w3.org/2000/svg'></svg>": "application/octet-stream",
		"<?xml version='1.0'?><svg></svg>":               "application/octet-stream",
		"":                                               "application/octet-stream",
		"II*\x00":                                        "image/tiff",
		"MM\x00*":                                        "image/tiff",
		"GIF89a":                                         "image/gif",
		"\xff\xd8\xff":                                   "image/jpeg",
	} {
		if got := sniff([]byte(data)); got != want {
			t.Errorf("sniff(%q) = %s, want %s", data, got, want)
		}
	}
}
