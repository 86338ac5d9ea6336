package rollout_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"polylens/app/rollout"
	"polylens/indexer"
	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/indexer/decode"
	"polylens/indexer/jobs"
	"polylens/search"
	"polylens/search/exact"
)

// dimension of the vectors of a fake: pictures and texts each have a place.
const dimension = 64

// fake is a model without ONNX Runtime. The picture n, of the colour n, and the
// text "picture n" have the place n; a confused model puts texts elsewhere.
type fake struct {
	name     string
	confused bool
}

func (f fake) Fingerprint() string                       { return fmt.Sprintf("%064x", f.name) }
func (f fake) PictureFingerprint() string                { return fmt.Sprintf("%064x", "p"+f.name) }
func (fake) Dimension() int                              { return dimension }
func (fake) MaxPatches() int                             { return 0 }
func (f fake) WithMaxPatches(int) (rollout.Model, error) { return f, nil }
func (fake) PictureSize(width, height int) (w, h int)    { return width, height }
func (fake) Close() error                                { return nil }
func (fake) Preprocess(p image.Image) (indexer.Pixels, error) {
	r, _, _, _ := p.At(0, 0).RGBA()
	return int(r >> 8), nil
}

func (fake) EncodePixels(ctx context.Context, pixels []indexer.Pixels) ([][]float32, error) {
	vectors := make([][]float32, len(pixels))
	for i, p := range pixels {
		vectors[i] = place(p.(int))
	}
	return vectors, ctx.Err()
}

func (f fake) EncodeImages(ctx context.Context, images []image.Image) ([][]float32, error) {
	pixels := make([]indexer.Pixels, len(images))
	for i, picture := range images {
		pixels[i], _ = f.Preprocess(picture)
	}
	return f.EncodePixels(ctx, pixels)
}

func (f fake) EncodeTexts(ctx context.Context, texts []string) ([][]float32, error) {
	vectors := make([][]float32, len(texts))
	for i, text := range texts {
		n := 0
		_, _ = fmt.Sscanf(text, "picture %d", &n)
		if f.confused {
			n += dimension / 2
		}
		vectors[i] = place(n)
	}
	return vectors, ctx.Err()
}

func place(n int) []float32 {
	vector := make([]float32, dimension)
	vector[n%dimension] = 1
	return vector
}

// house is a data folder with an index that outlives processes.
type house struct {
	data  string
	index search.Index
	named string
}

// process is what works on a house.
type process struct {
	*rollout.Rollout
	store     *database.Store
	index     search.Index
	jobs      *indexer.Jobs
	worker    *jobs.Worker
	documents *indexer.Documents
	indexer   *indexer.Indexer
	service   *rollout.Searcher
	ended     bool
}

// models are the models that a house can load; their names say what they are.
func load(_ context.Context, name string) (rollout.Model, error) {
	if name == "gone" {
		return nil, errors.New("there is no such model")
	}
	return fake{name: name, confused: name == "confused"}, nil
}

// open opens everything as a process does, with the given changes before its jobs
// begin.
func (h house) open(t *testing.T, before ...func(*process)) *process {
	t.Helper()
	choice, err := rollout.ReadChoice(h.data, "first")
	if err != nil {
		t.Fatal(err)
	}
	model, err := load(t.Context(), choice.Model)
	if err != nil {
		t.Fatal(err)
	}
	x := &process{index: h.index, Rollout: rollout.New(model, rollout.Options{
		Data: h.data, Choice: choice, Named: h.named, Open: load, Log: slog.New(slog.DiscardHandler),
		There: func(name string) bool { return name != "gone" },
	})}
	if x.store, err = database.Open(t.Context(), filepath.Join(h.data, "catalogue.db")); err != nil {
		t.Fatal(err)
	}
	for _, change := range before {
		change(x)
	}
	ix := indexer.New(x.store, x.IndexerEncoder(), x.index, indexer.DecodeWith(&decode.Decoder{}, decode.Limits{}), indexer.Options{})
	queue, err := jobs.New(x.store.Jobs(nil), append(ix.Kinds(x.Adopt), x.Kind())...)
	if err != nil {
		t.Fatal(err)
	}
	blobs, err := blob.OpenFolder(filepath.Join(h.data, "pictures"))
	if err != nil {
		t.Fatal(err)
	}
	ix.Connect(indexer.Kept{Blobs: blobs})
	x.documents, x.indexer = indexer.NewDocuments(ix, blobs, indexer.Places{}), ix
	x.jobs, x.worker = indexer.NewJobs(queue, ix), jobs.NewWorker(queue, jobs.Settings{Slots: 4, Alone: true})
	x.Connect(rollout.Rooms{Catalog: x.store, Index: x.index, Indexer: ix, Queue: queue})
	x.service = x.Searcher(search.New(x.index, x.store, x.SearchEncoder()))
	if err := errors.Join(x.Align(t.Context()), x.Resume(t.Context())); err != nil {
		t.Fatal(err)
	}
	x.worker.Start(t.Context())
	t.Cleanup(func() { x.shut(t) })
	return x
}

// shut ends what a process has opened.
func (x *process) shut(t *testing.T) {
	t.Helper()
	if x.ended {
		return
	}
	x.ended = true
	ctx := context.WithoutCancel(t.Context())
	if err := errors.Join(x.worker.Stop(ctx), x.Close(ctx), x.store.Close()); err != nil {
		t.Error(err)
	}
}

func newHouse(t *testing.T) (house, string) {
	t.Helper()
	pictures := t.TempDir()
	draw(t, pictures, 1, 6)
	return house{data: t.TempDir(), index: exact.New()}, pictures
}

// draw writes pictures of the colours from first to last, with what people say of
// them.
func draw(t *testing.T, folder string, first, last int) {
	t.Helper()
	for n := first; n <= last; n++ {
		picture := image.NewRGBA(image.Rect(0, 0, 4, 4))
		for i := range 16 {
			picture.Set(i%4, i/4, color.RGBA{R: uint8(n), A: 255})
		}
		path := filepath.Join(folder, fmt.Sprintf("%02d.png", n))
		file, err := os.Create(path)
		if err == nil {
			err = errors.Join(png.Encode(file, picture), file.Close())
		}
		caption := fmt.Sprintf(`{"captions":{"en":"picture %d"}}`, n)
		if err := errors.Join(err, os.WriteFile(path+".json", []byte(caption), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

// indexed indexes a folder and waits for it.
func (x *process) indexed(t *testing.T, pictures, collection string) {
	t.Helper()
	job, err := x.jobs.Index(t.Context(), collection, indexer.JobParams{Directory: pictures})
	for err == nil && !job.State.Finished() {
		time.Sleep(5 * time.Millisecond)
		job, err = x.jobs.Get(t.Context(), job.ID)
	}
	if err != nil || job.State != catalog.JobSucceeded {
		t.Fatalf("%+v, %v", job, err)
	}
}

func (x *process) settled(t *testing.T) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return x.Settle(ctx)
}

// mustUse changes the model and waits for it.
func (x *process) mustUse(t *testing.T, model string) {
	t.Helper()
	if err := errors.Join(x.Use(t.Context(), rollout.Used{Model: model}, true), x.settled(t)); err != nil {
		t.Fatal(err)
	}
}

func (x *process) hits(t *testing.T, collection string) (int, error) {
	t.Helper()
	results, err := x.service.ByText(t.Context(), collection, "picture 1", search.Options{Limit: 100})
	return len(results.Hits), err
}

// wantHits expects so many pictures to be found with the model of this name.
func (x *process) wantHits(t *testing.T, collection string, count int, model string) {
	t.Helper()
	hits, err := x.hits(t, collection)
	if err != nil || hits != count || x.Name() != model || x.Choice().Next != nil {
		t.Errorf("%d hits with %s, next %+v, %v; want %d with %s", hits, x.Name(), x.Choice().Next, err, count, model)
	}
}
