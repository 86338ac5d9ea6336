package indexer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"polylens/search"
)

// slowIndex lists what it holds once listing is closed, and reports when it is asked.
type slowIndex struct {
	*fakeIndex
	listing <-chan struct{}
	asked   func()
}

func (x slowIndex) IDs(ctx context.Context, key search.Key, yield func(string) error) error {
	x.asked()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-x.listing:
		return x.fakeIndex.IDs(ctx, key, yield)
	}
}

// The index is listed while pictures are read and encoded; none is saved until
// it has been compared.
func TestReadsWhileIndexIsListed(t *testing.T) {
	b := newBench(t, Options{})
	files := map[string][]byte{}
	for i := range 9 {
		files[fmt.Sprintf("%d.png", i)] = picture(i)
	}
	write(t, b.folder, files)
	listing := make(chan struct{})
	encoded := sync.OnceFunc(func() {
		time.Sleep(20 * time.Millisecond) // in which a batch could be saved
		if images, _, err := b.store.ListImages(t.Context(), "c", "", 10); err != nil || len(images) > 0 {
			t.Errorf("saved before the index was compared: %d images, %v", len(images), err)
		}
		close(listing)
	})
	b.encoder.broken = func(vectors [][]float32) [][]float32 { go encoded(); return vectors }
	b.Indexer.index = slowIndex{b.index, listing, func() {}}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	report, err := b.Run(ctx, b.request(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	wantCounts(t, "new", report, counts{encoded: 9})
	b.wantMirror(t)
}

// What an interrupted run has not sent is for the repair alone.
func TestPendingImagesAwaitTheRepair(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": picture(1), "b.png": picture(2)})
	b.run(t)
	if err := b.store.ForgetIndexed(t.Context(), "c", "f1"); err != nil {
		t.Fatal(err)
	}
	listing := make(chan struct{})
	b.Indexer.index = slowIndex{b.index, listing, func() {
		time.AfterFunc(20*time.Millisecond, func() { close(listing) }) // the walk is faster
	}}
	report := b.run(t)
	wantCounts(t, "pending", report, counts{skipped: 2})
	if report.Repaired != 2 {
		t.Errorf("repaired %d rows, want 2", report.Repaired)
	}
}

func TestRepairThatFailsEndsTheRun(t *testing.T) {
	b := newBench(t, Options{})
	write(t, b.folder, map[string][]byte{"a.png": picture(1)})
	listing := make(chan struct{})
	close(listing)
	broken := errors.New("broken for good")
	b.Indexer.index = slowIndex{b.index, listing, func() { b.index.setDown(broken) }}
	if _, err := b.Run(t.Context(), b.request(t), nil); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
	if images, _, err := b.store.ListImages(t.Context(), "c", "", 10); err != nil || len(images) > 0 {
		t.Errorf("saved though the index could not be compared: %d images, %v", len(images), err)
	}
}
