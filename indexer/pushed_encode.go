package indexer

import (
	"context"
	"errors"
	"io/fs"

	"polylens/indexer/catalog"
)

// pushedPage is how many pushed images are looked at at once.
const pushedPage = 64

// EncodePushed gives the images of a collection that clients have sent the vectors of the
// model that folders are indexed with, which may be the next one, and sends them to its
// index. It returns how many it could not encode; the first of them is logged.
func (ix *Indexer) EncodePushed(ctx context.Context, collection string) (failed int, err error) {
	known, err := ix.store.UncountedCollection(ctx, collection)
	if err != nil {
		return 0, err
	}
	d := &destination{Indexer: ix, name: collection, collection: known.ID}
	if d.encoder, err = d.encoderFor(known); err != nil {
		return 0, err
	}
	d.fingerprint = d.encoder.Fingerprint()
	m := d.mirror()
	if err := m.ensure(ctx, d.encoder.Dimension()); err != nil {
		return 0, err
	}
	for after := ""; ; {
		ids, err := ix.store.PushedWithoutVector(ctx, known.ID, d.fingerprint, after, pushedPage)
		if err != nil {
			return failed, err
		}
		if len(ids) == 0 {
			break
		}
		after = ids[len(ids)-1]
		count, err := d.encodePushed(ctx, ids)
		if failed += count; err != nil {
			return failed, err
		}
	}
	_, err = m.repair(ctx)
	return failed, err
}

// encodePushed gives those of some images a vector that have none of this model: they came
// while another one was used. It returns how many cannot be encoded.
func (d *destination) encodePushed(ctx context.Context, ids []string) (failed int, err error) {
	missing, err := d.store.WithoutVector(ctx, d.fingerprint, ids)
	if err != nil || len(missing) == 0 {
		return 0, err
	}
	images, err := d.store.Images(ctx, d.collection, missing)
	if err != nil {
		return 0, err
	}
	var batch []prepared
	for _, image := range images {
		if !isPushed(image) {
			continue
		}
		ready, err := d.readKept(ctx, image)
		if ctx.Err() != nil || err != nil && isPassing(err) {
			return failed, err
		}
		if err != nil {
			failed++
			d.options.Log.Warn("a picture that was sent cannot be encoded", "collection", d.name, "picture", image.URI, "error", err)
			continue
		}
		batch = append(batch, ready)
	}
	vectors, _, err := d.vectors(ctx, batch)
	if err != nil {
		return failed, err
	}
	return failed, d.store.SaveVectors(ctx, d.fingerprint, vectors)
}

// readKept decodes a picture that was sent before.
func (d *destination) readKept(ctx context.Context, image catalog.Image) (ready prepared, err error) {
	if d.kept.Blobs == nil {
		return ready, fs.ErrNotExist
	}
	content, err := readPushed(ctx, d.kept.Blobs, image)
	if err != nil {
		return ready, err
	}
	if content.SHA256 != image.SHA256 {
		return ready, errors.New("its file is damaged: send it again")
	}
	ready.image = image
	return ready, d.decode(ctx, content, &ready)
}
