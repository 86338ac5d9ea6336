package learner

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

const cacheItems, cacheValues = 5, 3

// valueOf is what is computed for an item: numbers that binary16 rounds.
func valueOf(item int) []float32 {
	return []float32{float32(item) + 1.0/3, -float32(item) / 7, 1e-5}
}

// taken asks for an item and reports whether it was computed.
func taken(t *testing.T, c *Cache, item int) (values []float32, computed bool) {
	t.Helper()
	values = make([]float32, cacheValues)
	err := c.Take(t.Context(), item, values, func(context.Context) ([]float32, error) {
		computed = true
		return valueOf(item), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return values, computed
}

func cacheIn(t *testing.T, path string) CacheSettings {
	t.Helper()
	return CacheSettings{Path: path, Identity: "model", Items: cacheItems, Values: cacheValues, Bytes: 1 << 20}
}

func openCache(t *testing.T, settings CacheSettings) *Cache {
	t.Helper()
	c, err := OpenCache(settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestCacheKeeps demands that an item is computed once, and that what is kept
// is, bit by bit, what the first to ask was given.
func TestCacheKeeps(t *testing.T) {
	for name, change := range map[string]func(*CacheSettings){
		"file": func(*CacheSettings) {}, "memory": func(s *CacheSettings) { s.Path = "" },
		"half": func(s *CacheSettings) { s.Half = true }, "half in memory": func(s *CacheSettings) { s.Path, s.Half = "", true },
	} {
		settings := cacheIn(t, filepath.Join(t.TempDir(), "cache"))
		change(&settings)
		c := openCache(t, settings)
		for _, item := range []int{2, 0, 4} {
			first, computed := taken(t, c, item)
			again, once := taken(t, c, item)
			if !computed || once || !slices.Equal(first, again) {
				t.Errorf("%s: item %d is computed %v, then %v; %v, then %v", name, item, computed, once, first, again)
			}
			if exact := slices.Equal(first, valueOf(item)); exact == settings.Half {
				t.Errorf("%s: item %d is %v of %v", name, item, first, valueOf(item))
			}
		}
		if c.Has(1) || !c.Has(2) {
			t.Errorf("%s: it has item 1 (%v), item 2 (%v)", name, c.Has(1), c.Has(2))
		}
	}
}

func TestCacheIsOpenedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache")
	c := openCache(t, cacheIn(t, path))
	want, _ := taken(t, c, 3)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if got, computed := taken(t, openCache(t, cacheIn(t, path)), 3); computed || !slices.Equal(got, want) {
		t.Errorf("it was computed again: %v; %v, want %v", computed, got, want)
	}
	other := cacheIn(t, path)
	other.Identity = "another model"
	if _, computed := taken(t, openCache(t, other), 3); !computed {
		t.Error("what another model computed is taken")
	}
}

// TestTornRecordsAreComputedAgain damages a file at every byte, as if a write
// had not come to its end, and cuts it at every length.
func TestTornRecordsAreComputedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache")
	settings := cacheIn(t, path)
	c := openCache(t, settings)
	for item := range cacheItems {
		taken(t, c, item)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, at int, content []byte, least int) {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		again, computed := openCache(t, settings), 0
		for item := range cacheItems {
			values, anew := taken(t, again, item)
			if !slices.Equal(values, valueOf(item)) {
				t.Fatalf("%s at %d: item %d is %v", what, at, item, values)
			}
			if anew {
				computed++
			}
		}
		if computed < least || computed > cacheItems {
			t.Errorf("%s at %d: %d items were computed again", what, at, computed)
		}
	}
	for at := range whole {
		damaged := bytes.Clone(whole)
		damaged[at] ^= 0x40
		check("damaged", at, damaged, 1)
		check("cut", at, whole[:at], cacheItems)
	}
	zeros := bytes.Clone(whole)
	clear(zeros[c.place(2):c.place(3)])
	check("a record that never reached the disk", 2, zeros, 1)
}

// TestCacheIsBounded keeps what there is room for; the rest is computed each
// time and comes out the same.
func TestCacheIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache")
	settings := cacheIn(t, path)
	settings.Half = true
	settings.Bytes = cacheHeader + 2*(sumBytes+2*cacheValues) + 5 // two, and a half of the third
	c := openCache(t, settings)
	wide := openCache(t, CacheSettings{Items: cacheItems, Values: cacheValues, Bytes: 1 << 20, Half: true})
	for item := range cacheItems {
		first, _ := taken(t, c, item)
		again, computed := taken(t, c, item)
		want, _ := taken(t, wide, item)
		if computed != (item >= 2) || !slices.Equal(first, want) || !slices.Equal(again, want) {
			t.Errorf("item %d: computed again %v, %v then %v, want %v", item, computed, first, again, want)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Size() > settings.Bytes {
		t.Errorf("the file has %v bytes, %v", info.Size(), err)
	}
	settings.Bytes = 0
	if _, computed := taken(t, openCache(t, settings), 0); !computed {
		t.Error("a cache of no bytes has an item")
	}
}

// failing cannot write.
type failing struct{ memory }

var errFull = errors.New("disk full")

func (failing) WriteAt([]byte, int64) (int, error) { return 0, errFull }

func TestFullDiskEndsKeeping(t *testing.T) {
	c := openCache(t, cacheIn(t, ""))
	taken(t, c, 0)
	c.store = failing{c.store.(memory)}
	for range 2 {
		if _, computed := taken(t, c, 1); !computed {
			t.Error("an item is there that was never written")
		}
	}
	if _, computed := taken(t, c, 0); computed || !errors.Is(c.Failed(), errFull) {
		t.Errorf("what was written is lost (%v), or the reason is: %v", computed, c.Failed())
	}
}

func TestCacheErrors(t *testing.T) {
	settings := cacheIn(t, "")
	settings.Half = true
	c := openCache(t, settings)
	broken := errors.New("broken")
	give := func(values []float32, err error) func(context.Context) ([]float32, error) {
		return func(context.Context) ([]float32, error) { return values, err }
	}
	values := make([]float32, cacheValues)
	for name, err := range map[string]error{
		"too large":    c.Take(t.Context(), 0, values, give([]float32{1, 2, 65520}, nil)),
		"too few":      c.Take(t.Context(), 0, values, give([]float32{1, 2}, nil)),
		"not computed": c.Take(t.Context(), 0, values, give(nil, broken)),
		"unknown":      c.Take(t.Context(), cacheItems, values, give(valueOf(0), nil)),
		"asked amiss":  c.Take(t.Context(), 0, values[:1], give(valueOf(0), nil)),
	} {
		if err == nil || c.Has(0) {
			t.Errorf("%s: %v, kept %v", name, err, c.Has(0))
		}
	}
	if err := c.Take(t.Context(), 0, values, give([]float32{float32(math.NaN()), 1, 65504}, nil)); err != nil || !c.Has(0) {
		t.Errorf("values that have 16 bits are refused: %v", err)
	}
	if _, err := OpenCache(CacheSettings{Items: 1}); err == nil {
		t.Error("a cache of items without values is opened")
	}
	settings.Path = filepath.Join(t.TempDir(), "no", "folder")
	if _, err := OpenCache(settings); err == nil {
		t.Error("a cache in no folder is opened")
	}
}
