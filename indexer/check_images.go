package indexer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"

	"polylens/indexer/catalog"
	"polylens/indexer/decode"
	"polylens/indexer/metadata"
	"polylens/indexer/source"
	"polylens/internal/ordinary"
	"polylens/internal/patient"
)

// images looks at what the catalogue holds of each image, and at files in folders.
func (x *examination) images(ctx context.Context) error {
	dimension, again, err := x.model(ctx)
	if err != nil {
		return err
	}
	seen := make(map[string]bool) // contents whose vectors were looked at and are at fault
	for after := ""; ; {
		page, err := x.store.StoredImages(ctx, x.known.ID, x.known.Fingerprint, dimension, after, mirrorPage)
		if err != nil || len(page) == 0 {
			return err
		}
		if page, err = x.settled(ctx, page, dimension, after); err != nil {
			return err
		}
		for _, image := range page {
			if err := x.image(ctx, image, again, seen); err != nil {
				return err
			}
		}
		after = page[len(page)-1].ID
	}
}

// settled is a page as it is when it is read twice, if anything seemed to be wrong:
// somebody may have changed an image between the two looks that reading takes.
func (x *examination) settled(ctx context.Context, page []catalog.StoredImage, dimension int, after string) ([]catalog.StoredImage, error) {
	for _, image := range page {
		if image.HasVector && image.VectorFault == "" && image.Digest == image.DigestOf(image.Metadata) {
			continue
		}
		again, err := x.store.StoredImages(ctx, x.known.ID, x.known.Fingerprint, dimension, after, len(page))
		if err != nil || len(again) == 0 {
			return page[len(page)-1:], err // everything is gone meanwhile
		}
		return again, nil
	}
	return page, nil
}

// model is how long vectors of the collection are, and what encodes its pictures again; nil
// while another model is in use.
func (x *examination) model(ctx context.Context) (dimension int, again *destination, err error) {
	for _, patches := range []int{x.known.MaxPatches, x.known.SearchedMaxPatches} {
		encoder, err := x.encoder.For(patches)
		if err != nil || encoder.Fingerprint() != x.known.Fingerprint {
			continue
		}
		return encoder.Dimension(), &destination{
			Indexer: x.Indexer, name: x.known.Name, collection: x.known.ID, encoder: encoder, fingerprint: x.known.Fingerprint,
		}, nil
	}
	dimension, err = x.store.VectorDimension(ctx, x.known.Fingerprint)
	return dimension, nil, err
}

func (x *examination) image(ctx context.Context, image catalog.StoredImage, again *destination, seen map[string]bool) error {
	if err := x.about(ctx, image); err != nil {
		return err
	}
	if image.Source != catalog.PushedSource {
		if err := x.file(ctx, image); err != nil {
			return err
		}
	}
	if image.HasVector && image.VectorFault == "" || seen[image.SHA256] {
		return ctx.Err()
	}
	seen[image.SHA256] = true
	kind, example := VectorMissing, image.URI
	if image.HasVector {
		kind, example = VectorDamaged, image.URI+": "+image.VectorFault
	}
	x.found.add(kind, example)
	if !x.repair {
		return nil
	}
	return x.encodeAgain(ctx, kind, image, again)
}

// about looks at metadata and captions.
func (x *examination) about(ctx context.Context, image catalog.StoredImage) error {
	text, kind := image.Metadata, DigestWrong
	if _, err := metadata.Stored([]byte(text)); err != nil {
		text, kind = "{}", MetadataDamaged
	} else if image.DigestOf(text) == image.Digest {
		return nil
	}
	x.found.add(kind, image.URI)
	if !x.repair {
		return nil
	}
	err := x.store.MendImage(ctx, image, text, image.DigestOf(text))
	if err == nil && kind == DigestWrong { // metadata that could not be read are lost
		x.found.repaired(kind, 1)
	}
	return err
}

// encodeAgain gives a content a vector that has none, or a damaged one, which is dropped
// at least: the index would refuse it.
func (x *examination) encodeAgain(ctx context.Context, kind FindingKind, image catalog.StoredImage, again *destination) error {
	vector, err := x.vectorOf(ctx, image, again)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		x.options.Log.Warn("a picture cannot be encoded again", "picture", image.URI, "error", err)
		if kind == VectorMissing {
			return nil
		}
		return x.store.DropVector(ctx, x.known.Fingerprint, image.SHA256)
	}
	if err := x.store.ReplaceVector(ctx, x.known.Fingerprint, image.SHA256, vector); err != nil {
		return err
	}
	x.found.repaired(kind, 1)
	return nil
}

var errOtherModel = errors.New("its collection was encoded by another model than the one in use")

func (x *examination) vectorOf(ctx context.Context, image catalog.StoredImage, again *destination) ([]float32, error) {
	if again == nil {
		return nil, errOtherModel
	}
	content, err := x.contentOf(ctx, image)
	if err != nil {
		return nil, err
	}
	if content.SHA256 != image.SHA256 {
		return nil, errChanged
	}
	var ready prepared
	if err := again.decode(ctx, content, &ready); err != nil {
		return nil, err
	}
	made, err := again.encode(ctx, []Pixels{ready.pixels})
	if err != nil {
		return nil, err
	}
	if !usable(made[0]) {
		return nil, errVector
	}
	return made[0], nil
}

// contentOf reads the file of an image.
func (x *examination) contentOf(ctx context.Context, stored catalog.StoredImage) (decode.Content, error) {
	image := catalog.Image{Collection: x.known.Name, Source: stored.Source, URI: stored.URI, SHA256: stored.SHA256, Size: stored.Size}
	if isPushed(image) {
		if x.kept.Blobs == nil {
			return decode.Content{}, fs.ErrNotExist
		}
		return readPushed(ctx, x.kept.Blobs, image)
	}
	return x.decoder.Read(ctx, image.URI, func(ctx context.Context) (*ordinary.File, error) { return openFile(ctx, x.store, image) })
}

// file looks at a file in a folder. What has become of it is no fault of what is kept. A
// disk that does not answer says nothing about it.
func (x *examination) file(ctx context.Context, image catalog.StoredImage) error {
	size, err := source.SizeOf(ctx, image.URI)
	switch {
	case errors.Is(err, patient.ErrSilent) || ctx.Err() != nil:
		return err
	case err != nil:
		x.found.add(FileGone, image.URI)
		return nil
	case size != image.Size:
		x.found.add(FileChanged, image.URI)
		return nil
	case !x.read.has(image.SHA256):
		return nil
	}
	sum, err := x.sumOf(ctx, image)
	switch {
	case errors.Is(err, patient.ErrSilent) || ctx.Err() != nil:
		return err
	case err != nil || sum != image.SHA256:
		x.found.add(FileChanged, image.URI)
	}
	return nil
}

// sumOf is the SHA-256 of a file in a folder.
func (x *examination) sumOf(ctx context.Context, image catalog.StoredImage) (string, error) {
	file, err := openFile(ctx, x.store, catalog.Image{Collection: x.known.Name, Source: image.Source, URI: image.URI})
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
