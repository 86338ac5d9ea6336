package indexer

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
	"weak"

	"polylens/indexer/catalog"
	"polylens/indexer/decode"
	"polylens/search"
)

// fakeEncoder gives vectors that depend on nothing but the pixels.
type fakeEncoder struct {
	fingerprint string        // default f1
	maxPatches  int           // of a model that leaves a choice
	pause       time.Duration // of each batch
	log         *os.File      // when set, a line with the size of each batch, written before it is encoded
	broken      func(vectors [][]float32) [][]float32

	mu      sync.Mutex
	batches []int
	made    []weak.Pointer[float32] // what Preprocess gave, when watch is set
	watch   bool
	alive   int // the most of made that were in memory while a batch was encoded
}

const fakeDimension = 8

func (e *fakeEncoder) Fingerprint() string { return cmp.Or(e.fingerprint, "f1") }
func (e *fakeEncoder) Dimension() int      { return fakeDimension }
func (e *fakeEncoder) MaxPatches() int     { return e.maxPatches }

// For counts what all views encode together.
func (e *fakeEncoder) For(maxPatches int) (Encoder, error) {
	if e.maxPatches == 0 || maxPatches == 0 || maxPatches == e.maxPatches {
		return e, nil
	}
	return fakeView{e, maxPatches}, nil
}

// fakeView gives other vectors than its fakeEncoder.
type fakeView struct {
	*fakeEncoder
	maxPatches int
}

func (v fakeView) MaxPatches() int { return v.maxPatches }
func (v fakeView) Fingerprint() string {
	return fmt.Sprint(v.fakeEncoder.Fingerprint(), "-", v.maxPatches)
}

func (v fakeView) EncodePixels(ctx context.Context, pixels []Pixels) ([][]float32, error) {
	vectors, err := v.fakeEncoder.EncodePixels(ctx, pixels)
	for _, vector := range vectors {
		slices.Reverse(vector)
	}
	return vectors, err
}

func (e *fakeEncoder) Preprocess(picture image.Image) (Pixels, error) {
	bounds := picture.Bounds()
	if bounds.Dx() == 13 {
		return nil, errors.New("13 is unlucky")
	}
	pixels := make([]float32, 0, 3*fakeDimension)
	for i := range fakeDimension {
		r, g, b, _ := picture.At(bounds.Min.X+i%bounds.Dx(), bounds.Min.Y).RGBA()
		pixels = append(pixels, float32(r), float32(g), float32(b))
	}
	if e.watch {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.made = append(e.made, weak.Make(&pixels[0]))
	}
	return pixels, nil
}

// countAlive expects its caller to hold the lock.
func (e *fakeEncoder) countAlive() {
	runtime.GC()
	alive := 0
	for _, p := range e.made {
		if p.Value() != nil {
			alive++
		}
	}
	e.alive = max(e.alive, alive)
}

func (e *fakeEncoder) EncodePixels(ctx context.Context, pixels []Pixels) ([][]float32, error) {
	if e.watch { // give the stages before a moment to fill up
		if err := sleep(ctx, 2*time.Millisecond); err != nil {
			return nil, err
		}
	}
	e.mu.Lock()
	e.batches = append(e.batches, len(pixels))
	if e.watch {
		e.countAlive()
	}
	e.mu.Unlock()
	if e.log != nil {
		if _, err := fmt.Fprintln(e.log, len(pixels)); err != nil {
			return nil, err
		}
	}
	if err := sleep(ctx, e.pause); err != nil {
		return nil, err
	}
	vectors := make([][]float32, len(pixels))
	for n, p := range pixels {
		vectors[n] = fakeVector(p.([]float32))
	}
	if e.broken != nil {
		vectors = e.broken(vectors)
	}
	return vectors, nil
}

func fakeVector(pixels []float32) []float32 {
	vector := make([]float32, fakeDimension)
	var sum float64
	for i := range vector {
		vector[i] = 1 + pixels[3*i] - 0.7*pixels[3*i+1] + 0.3*pixels[3*i+2]
		sum += float64(vector[i]) * float64(vector[i])
	}
	for i := range vector {
		vector[i] /= float32(math.Sqrt(sum))
	}
	return vector
}

// encoded is the number of pictures encoded so far.
func (e *fakeEncoder) encoded() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	sum := 0
	for _, n := range e.batches {
		sum += n
	}
	return sum
}

// fakeIndex is as strict as a real one. With a journal it survives the end of
// its process: every change is one line, written at once.
type fakeIndex struct {
	pause   time.Duration
	journal *os.File
	change  func(when string) // called "before" and "after" each change

	mu   sync.Mutex
	rows map[string]map[string]search.Row // by collection/fingerprint, by ID
	down error                            // what every call returns while it is set
	hang bool                             // calls wait for their deadline
}

type journalLine struct {
	Key    string
	Ensure bool         `json:",omitempty"`
	Drop   bool         `json:",omitempty"`
	Upsert []search.Row `json:",omitempty"`
	Delete []string     `json:",omitempty"`
}

func newFakeIndex() *fakeIndex {
	return &fakeIndex{rows: make(map[string]map[string]search.Row), change: func(string) {}}
}

func openFakeIndex(path string) (*fakeIndex, error) {
	x := newFakeIndex()
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<26)
	for scanner.Scan() {
		var line journalLine
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			return nil, err
		}
		x.apply(line)
	}
	x.journal = file
	return x, scanner.Err()
}

func (x *fakeIndex) apply(line journalLine) {
	if line.Drop {
		delete(x.rows, line.Key)
	}
	if line.Ensure && x.rows[line.Key] == nil {
		x.rows[line.Key] = make(map[string]search.Row)
	}
	for _, row := range line.Upsert {
		x.rows[line.Key][row.ID] = row
	}
	for _, id := range line.Delete {
		delete(x.rows[line.Key], id)
	}
}

// do checks and applies one change, wholly or not at all.
func (x *fakeIndex) do(ctx context.Context, line journalLine) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, ok := ctx.Deadline(); !ok {
		return errors.New("called without a deadline")
	}
	if x.hang {
		<-ctx.Done()
		return ctx.Err()
	}
	if x.down != nil {
		return x.down
	}
	if x.rows[line.Key] == nil && !line.Ensure && !line.Drop {
		return fmt.Errorf("index %s: %w", line.Key, catalog.ErrCollectionNotFound)
	}
	seen := make(map[string]bool)
	for _, row := range line.Upsert {
		if seen[row.ID] || len(row.Vector) != fakeDimension {
			return fmt.Errorf("bad row %s", row.ID)
		}
		seen[row.ID] = true
	}
	if err := sleep(ctx, x.pause); err != nil {
		return err
	}
	x.change("before")
	defer x.change("after")
	if x.journal != nil {
		data, err := json.Marshal(line)
		if err != nil {
			return err
		}
		if _, err := x.journal.Write(append(data, '\n')); err != nil {
			return err
		}
	}
	x.apply(line)
	return nil
}

func (x *fakeIndex) setDown(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.down = err
}

func (x *fakeIndex) count(collection string) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.rows[collection+"/f1"])
}

// name is the key of rows and of the journal.
func name(key search.Key) string { return string(key.Collection) + "/" + key.Fingerprint }

func (x *fakeIndex) Ensure(ctx context.Context, key search.Key, dimension int) error {
	if dimension != fakeDimension {
		return fmt.Errorf("vectors of %d numbers", dimension)
	}
	return x.do(ctx, journalLine{Key: name(key), Ensure: true})
}

func (x *fakeIndex) Upsert(ctx context.Context, key search.Key, rows []search.Row) error {
	return x.do(ctx, journalLine{Key: name(key), Upsert: rows})
}

func (x *fakeIndex) Delete(ctx context.Context, key search.Key, ids []string) error {
	return x.do(ctx, journalLine{Key: name(key), Delete: ids})
}

func (x *fakeIndex) Drop(ctx context.Context, key search.Key) error {
	return x.do(ctx, journalLine{Key: name(key), Drop: true})
}

func (x *fakeIndex) Count(ctx context.Context, key search.Key) (n int, err error) {
	err = x.IDs(ctx, key, func(string) error { n++; return nil })
	return n, err
}

func (x *fakeIndex) IDs(ctx context.Context, key search.Key, yield func(string) error) error {
	x.mu.Lock()
	rows, made := x.rows[name(key)]
	ids := slices.Collect(maps.Keys(rows))
	err := x.down
	if err == nil && !made {
		err = fmt.Errorf("index %s: %w", name(key), catalog.ErrCollectionNotFound)
	}
	x.mu.Unlock()
	for _, id := range ids {
		if err == nil {
			err = yield(id)
		}
	}
	return err
}

func (x *fakeIndex) Rows(_ context.Context, key search.Key, ids []string) (rows []search.Row, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, id := range ids {
		if row, ok := x.rows[name(key)][id]; ok {
			rows = append(rows, row)
		}
	}
	return rows, x.down
}

var testDecoder = DecodeWith(new(decode.Decoder), decode.Limits{})

// watchedDecoder calls a function before it decodes, and fails if that fails.
type watchedDecoder struct {
	Decoder
	before func() error
}

func (d watchedDecoder) Decode(ctx context.Context, content decode.Content, target decode.Target) (Picture, error) {
	if err := d.before(); err != nil {
		return Picture{}, err
	}
	return d.Decoder.Decode(ctx, content, target)
}

// picture is a PNG whose content depends on seed alone.
func picture(seed int) []byte {
	canvas := image.NewNRGBA(image.Rect(0, 0, fakeDimension, 1))
	sum := sha256.Sum256([]byte{byte(seed), byte(seed >> 8)})
	for i := range fakeDimension {
		canvas.Set(i, 0, color.NRGBA{sum[3*i], sum[3*i+1], sum[3*i+2], 255})
	}
	var data bytes.Buffer
	if err := png.Encode(&data, canvas); err != nil {
		panic(err) // cannot happen: it writes into memory
	}
	return data.Bytes()
}

// write makes files below a folder.
func write(t *testing.T, folder string, files map[string][]byte) {
	t.Helper()
	for name, data := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
