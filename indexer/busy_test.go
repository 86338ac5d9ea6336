package indexer

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/decode"
)

// crowded decodes within a budget that a picture takes all of until free is called.
func crowded(t *testing.T, timeout time.Duration) (decoder Decoder, free func()) {
	t.Helper()
	var limited decode.Decoder
	var large bytes.Buffer
	if err := png.Encode(&large, image.NewGray(image.Rect(0, 0, 1000, 1000))); err != nil {
		t.Fatal(err)
	}
	limits := decode.Limits{Budget: decode.NewBudget(1 << 20), Timeout: time.Minute} // of which it takes all
	holder, err := limited.Decode(t.Context(), decode.NewContent("holder", large.Bytes()), nil, limits)
	if err != nil {
		t.Fatal(err)
	}
	limits.Timeout = timeout
	return DecodeWith(&limited, limits), holder.Release
}

// after calls then when it is asked to decode for the n-th time.
func after(n int32, decoder Decoder, then func()) Decoder {
	var calls atomic.Int32
	return watchedDecoder{decoder, func() error {
		if calls.Add(1) == n {
			then()
		}
		return nil
	}}
}

// A run waits for memory as long as others hold it: that says nothing about its pictures.
func TestRunWaitsForMemory(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": picture(1)})
	decoder, free := crowded(t, time.Second)
	b.decoder = after(2, decoder, free)
	wantCounts(t, "run", b.run(t), counts{encoded: 1})
}

func TestCanceledRunDoesNotWaitForMemory(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": picture(1)})
	decoder, free := crowded(t, 20*time.Millisecond)
	defer free()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b.decoder = after(3, decoder, cancel)
	if _, err := b.Run(ctx, b.request(t), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Who waits for a thumbnail in vain is told to come back, whatever it is that lacks: a
// turn or memory.
func TestThumbnailsAreBusy(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": wide(t)})
	b.run(t)
	decoder, free := crowded(t, 20*time.Millisecond)
	thumbnails, err := NewThumbnails(filepath.Join(t.TempDir(), "thumbnails"), b.store, nil, decoder)
	if err != nil {
		t.Fatal(err)
	}
	get := func() error {
		_, err := thumbnails.Get(t.Context(), "c", b.image(t, "a.png").ID, 200)
		return err
	}
	if err := get(); !errors.Is(err, catalog.ErrBusy) {
		t.Errorf("without memory: %v", err)
	}
	free()
	thumbnails.patience = 20 * time.Millisecond
	if err := thumbnails.turns.Acquire(t.Context(), thumbnailsAtOnce); err != nil {
		t.Fatal(err)
	}
	if err := get(); !errors.Is(err, catalog.ErrBusy) {
		t.Errorf("out of turn: %v", err)
	}
	thumbnails.turns.Release(thumbnailsAtOnce)
	thumbnails.decoder = testDecoder
	if err := get(); err != nil {
		t.Error(err)
	}
}
