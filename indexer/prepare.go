package indexer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sync/errgroup"

	"polylens/indexer/catalog"
	"polylens/indexer/decode"
)

// prepared is a picture that is ready to be encoded, or whose content has a
// vector already.
type prepared struct {
	image  catalog.Image
	pixels Pixels // nil: the vector is in the catalogue
}

// prepareAll reads, decodes and preprocesses with several workers.
func (r *run) prepareAll(ctx context.Context, jobs <-chan job, ready chan<- prepared) error {
	defer close(ready)
	group, ctx := errgroup.WithContext(ctx)
	for range r.options.Workers {
		group.Go(func() error {
			for j := range jobs {
				if err := r.prepareOne(ctx, j, ready); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

func (r *run) prepareOne(ctx context.Context, j job, ready chan<- prepared) error {
	r.progress.update(func(p *Progress) { p.CurrentURI = j.item.URI })
	p, err := r.prepare(ctx, j)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var broken *pictureError
	if errors.As(err, &broken) {
		return r.fail(ctx, j, broken.err)
	}
	if err != nil {
		return err
	}
	return send(ctx, ready, p)
}

// pictureError is about one picture; the run goes on.
type pictureError struct{ err error }

func (e *pictureError) Error() string { return e.err.Error() }
func (e *pictureError) Unwrap() error { return e.err }

func (r *run) prepare(ctx context.Context, j job) (prepared, error) {
	p := prepared{image: catalog.Image{
		Source: r.source.Name(), URI: j.item.URI, Size: j.item.Size, Modified: j.item.Modified,
		Metadata: j.item.Metadata, Captions: j.captions,
	}}
	known, err := r.reuse(ctx, j, &p.image)
	if known || err != nil {
		return p, err
	}
	picture, pixels, err := r.read(ctx, j.item.Path)
	if err != nil {
		return p, &pictureError{err}
	}
	p.pixels = pixels
	p.image.SHA256, p.image.Format, p.image.Color = picture.SHA256, picture.Format, picture.Color
	p.image.Width, p.image.Height = picture.Width, picture.Height
	return p, nil
}

// reuse fills in what is known of the content when it has been encoded before,
// wherever that was.
func (r *run) reuse(ctx context.Context, j job, image *catalog.Image) (bool, error) {
	content := j.content
	if content == "" && j.item.Size > maxHashed {
		return false, nil
	}
	if content == "" {
		var err error
		if content, err = hashFile(j.item.Path); err != nil {
			return false, &pictureError{err}
		}
	}
	vectors, err := r.store.Vectors(ctx, r.fingerprint, []string{content})
	if err != nil || vectors[content] == nil {
		return false, err
	}
	same, err := r.store.ImageByContent(ctx, content)
	if errors.Is(err, catalog.ErrNotFound) {
		return false, nil // its images are gone, the vector stayed
	}
	image.SHA256, image.Format, image.Color = content, same.Format, same.Color
	image.Width, image.Height = same.Width, same.Height
	return err == nil, err
}

// maxHashed bounds the files that are read once more before they are decoded,
// to find that they need not be.
const maxHashed = 256 << 20

func hashFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// read decodes and preprocesses.
func (r *run) read(ctx context.Context, path string) (Picture, Pixels, error) {
	picture, err := r.decode(ctx, path, target(r.encoder))
	if err != nil {
		return Picture{}, nil, err
	}
	pixels, err := r.encoder.Preprocess(picture.Image)
	if err != nil {
		return Picture{}, nil, fmt.Errorf("cannot be prepared for the model: %w", err)
	}
	picture.Image = nil // it is large
	return picture, pixels, nil
}

// sizer is an Encoder that tells to what size Preprocess scales an upright
// picture, so that no more of it need be decoded than that takes.
type sizer interface {
	PictureSize(width, height int) (scaledWidth, scaledHeight int)
}

func target(encoder Encoder) decode.Target {
	if s, ok := encoder.(sizer); ok {
		return s.PictureSize
	}
	return nil
}

// fail notes a picture that cannot be read. When the fault is in the file, the
// image that it was before is gone; when it may pass, the image stays.
func (r *run) fail(ctx context.Context, j job, err error) error {
	failure := catalog.Failure{
		URI: j.item.URI, Source: r.source.Name(), Kind: catalog.FailurePicture,
		Reason: reason(err), Size: j.item.Size, Modified: j.item.Modified,
	}
	if mayPass(err) {
		failure.Size = -1 // no file has this size: the next run tries again
	}
	if failure.Size >= 0 || errors.Is(err, fs.ErrNotExist) {
		r.met.forget(catalog.ImageID(r.collection, j.item.URI))
	}
	r.met.failure(j.item.URI)
	r.progress.fail(failure)
	return r.store.SaveFailures(ctx, r.collection, []catalog.Failure{failure})
}
