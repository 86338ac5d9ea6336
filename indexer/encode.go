package indexer

import (
	"context"
	"errors"
	"fmt"
	"math"

	"golang.org/x/sync/errgroup"

	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
)

// errVector is the failure of a picture for which the model gives a vector
// without a direction.
var errVector = errors.New("the model gave no usable vector for it")

// longBatch bounds a batch of pictures that need no encoding.
const longBatch = 256

// batchesAtOnce are encoded and committed side by side: while one waits for the disk, or
// for the slowest thread of an operator, another has the processor. On two cores that
// makes pictures of a few kilobytes a third faster.
const batchesAtOnce = 2

// encodeAll encodes and commits batch after batch.
func (r *run) encodeAll(ctx context.Context, ready <-chan prepared, committed chan<- []string) error {
	defer close(committed)
	group, ctx := errgroup.WithContext(ctx)
	batches := make(chan []prepared)
	group.Go(func() error {
		defer close(batches)
		return r.fillBatches(ctx, ready, batches)
	})
	for range batchesAtOnce {
		group.Go(func() error {
			for batch := range batches {
				ids, err := r.commit(ctx, batch)
				if err == nil && len(ids) > 0 {
					err = send(ctx, committed, ids)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// fillBatches passes pictures on in batches. One is full when it has Options.Batch
// different contents to encode.
func (r *run) fillBatches(ctx context.Context, ready <-chan prepared, batches chan<- []prepared) error {
	var batch []prepared
	contents := make(batchContents)
	for p := range ready {
		contents.add(&p)
		batch = append(batch, p)
		if !contents.full(len(batch), r.options.Batch) {
			continue
		}
		if err := send(ctx, batches, batch); err != nil {
			return err
		}
		batch = nil
		clear(contents)
	}
	if ctx.Err() != nil { // ready was closed because another stage failed
		return context.Cause(ctx)
	}
	return send(ctx, batches, batch)
}

// batchContents are what a batch has to encode, by SHA-256.
type batchContents map[string]bool

// add notes a picture of the batch. Of one that is there already the pixels of its double
// are enough: a batch must not fill up with copies.
func (b batchContents) add(p *prepared) {
	switch {
	case b[p.image.SHA256]:
		p.pixels = nil
	case p.pixels != nil:
		b[p.image.SHA256] = true
	}
}

// full reports whether a batch of so many pictures has most to encode.
func (b batchContents) full(pictures, most int) bool {
	return len(b) >= most || pictures >= longBatch
}

// commit encodes what has no vector yet and saves the whole batch in one
// transaction. It returns the IDs of what it saved.
func (r *run) commit(ctx context.Context, batch []prepared) ([]string, error) {
	if len(batch) == 0 {
		return nil, nil
	}
	if err := r.options.Room(); err != nil {
		return nil, err
	}
	vectors, encoded, err := r.vectors(ctx, batch)
	if err != nil {
		return nil, err
	}
	if err := r.awaitRepair(ctx); err != nil {
		return nil, err
	}
	var records []catalog.Record
	var ids []string
	unchanged := 0
	for _, p := range batch {
		vector := vectors[p.image.SHA256]
		if vector == nil {
			if err := r.fail(ctx, jobOf(p), errVector); err != nil {
				return nil, err
			}
			continue
		}
		records = append(records, catalog.Record{Image: p.image, Vector: vector, Warning: p.warning})
		ids = append(ids, catalog.ImageID(r.collection, p.image.URI))
		if p.unchanged {
			unchanged++
		}
	}
	if err := r.store.SaveImages(ctx, r.collection, r.fingerprint, records); err != nil {
		return nil, err
	}
	r.noteIncomplete(records)
	r.progress.update(func(p *Progress) {
		p.Encoded += encoded
		p.Skipped += unchanged
		p.Reused += len(records) - encoded - unchanged
		p.Done += len(records)
	})
	return ids, nil
}

func jobOf(p prepared) (j job) {
	j.item.URI, j.item.Size, j.item.Modified, j.item.Changed = p.image.URI, p.image.Size, p.image.Modified, p.image.Changed
	return j
}

// vectors returns the vectors of a batch by content, and how many of them were
// encoded just now: each content once, and none that the catalogue has. A
// picture for which the model gives no usable vector has none.
func (d *destination) vectors(ctx context.Context, batch []prepared) (map[string][]float32, int, error) {
	contents := make([]string, len(batch))
	for i, p := range batch {
		contents[i] = p.image.SHA256
	}
	vectors, err := d.store.Vectors(ctx, d.fingerprint, contents)
	if err != nil {
		return nil, 0, err
	}
	var missing, uris []string
	var pixels []Pixels
	asked := make(map[string]bool)
	for _, p := range batch {
		content := p.image.SHA256
		if vectors[content] == nil && p.pixels != nil && !asked[content] {
			asked[content] = true
			missing, uris, pixels = append(missing, content), append(uris, p.image.URI), append(pixels, p.pixels)
		}
	}
	if len(missing) == 0 {
		return vectors, 0, nil
	}
	made, err := d.encode(ctx, pixels)
	if err != nil {
		return nil, 0, fmt.Errorf("encode %d pictures, the first is %s: %w", len(pixels), uris[0], err)
	}
	encoded := 0
	for i, vector := range made {
		if usable(vector) {
			vectors[missing[i]] = vector
			encoded++
		}
	}
	return vectors, encoded, nil
}

// encode checks what the model gives: a wrong count or length is a fault of
// the model, not of a picture.
func (d *destination) encode(ctx context.Context, pixels []Pixels) ([][]float32, error) {
	vectors, err := d.encoder.EncodePixels(ctx, pixels)
	if err != nil {
		return nil, err
	}
	if len(vectors) != len(pixels) {
		return nil, fmt.Errorf("the model gave %d vectors", len(vectors))
	}
	for _, vector := range vectors {
		if len(vector) != d.encoder.Dimension() {
			return nil, fmt.Errorf("the model gave a vector of dimension %d, want %d", len(vector), d.encoder.Dimension())
		}
	}
	return vectors, nil
}

// usable reports whether a vector has a direction that survives fp16.
func usable(vector []float32) bool {
	for _, x := range vector {
		if math.IsNaN(float64(x)) || math.Abs(float64(x)) > 65504 {
			return false
		}
	}
	for _, x := range database.Round(vector) {
		if x != 0 {
			return true
		}
	}
	return false
}
