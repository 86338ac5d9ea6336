package indexer

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"polylens/indexer/catalog"
	"polylens/indexer/decode"
	"polylens/internal/ordinary"
)

// prepared is a picture that is ready to be encoded, or whose content has a
// vector already.
type prepared struct {
	image     catalog.Image
	pixels    Pixels // nil: the vector is in the catalogue
	unchanged bool   // nothing but the times of its file differs from what is indexed
	warning   string // see catalog.Record
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
		Source: r.source.Name(), URI: j.item.URI, Size: j.item.Size, Modified: j.item.Modified, Changed: j.item.Changed,
	}}
	known, err := r.reuse(ctx, j.content, &p)
	if err != nil {
		return p, err
	}
	if inside, ok := recall(p.image.Embedded, r.metadata); known && ok {
		p.describe(inside, j.item, r.metadata)
		return p, nil
	}
	content, err := r.decoder.Read(ctx, j.item.Path, func(ctx context.Context) (*ordinary.File, error) { return r.source.Open(ctx, j.item.URI) })
	if err != nil {
		return p, &pictureError{err}
	}
	return p, r.prepareContent(ctx, j, content, &p, known && content.SHA256 == j.content)
}

// prepareContent prepares a picture whose file was read. known is whether p has all that
// is known of it but what it says of itself.
func (d *destination) prepareContent(ctx context.Context, j job, content decode.Content, p *prepared, known bool) (err error) {
	if !known {
		p.image.Embedded, p.warning = "", ""
		if known, err = d.reuse(ctx, content.SHA256, p); err != nil {
			return err
		}
	}
	if !known {
		if err := d.decode(ctx, content, p); err != nil {
			return &pictureError{err}
		}
	}
	inside, ok := recall(p.image.Embedded, d.metadata)
	if !ok {
		inside = lookInto(content.Data, d.metadata)
	}
	p.describe(inside, j.item, d.metadata)
	if known {
		p.unchanged, err = d.isUnchanged(j.state, p.image)
	}
	return err
}

// reuse fills in what is known of a content that has been encoded before, in
// whatever collection. The content "" is never known.
func (d *destination) reuse(ctx context.Context, content string, p *prepared) (bool, error) {
	if content == "" {
		return false, nil
	}
	vectors, err := d.store.Vectors(ctx, d.fingerprint, []string{content})
	if err != nil || vectors[content] == nil {
		return false, err
	}
	same, err := d.store.Content(ctx, content)
	if errors.Is(err, catalog.ErrNotFound) {
		return false, nil // they were removed before that was kept
	}
	if err != nil {
		return false, err
	}
	p.image.SHA256, p.image.Format, p.image.Color = content, same.Format, same.Color
	p.image.Width, p.image.Height = same.Width, same.Height
	p.warning, p.image.Embedded = same.Warning, same.Embedded
	return true, nil
}

// decode fills in what a content is and shows.
func (d *destination) decode(ctx context.Context, content decode.Content, p *prepared) error {
	picture, err := d.decoder.Decode(ctx, content, target(d.encoder))
	for decode.IsBusy(err) && ctx.Err() == nil { // a run has time
		picture, err = d.decoder.Decode(ctx, content, target(d.encoder))
	}
	if err != nil {
		return err
	}
	defer picture.Release()
	if p.pixels, err = d.encoder.Preprocess(picture.Image); err != nil {
		return fmt.Errorf("cannot be prepared for the model: %w", err)
	}
	p.image.SHA256, p.image.Format, p.image.Color = content.SHA256, picture.Format, picture.Color
	p.image.Width, p.image.Height = picture.Width, picture.Height
	p.warning = cleanReason(strings.Join(picture.Warnings, "; "))
	return nil
}

// sizer is an Encoder that says to what size Preprocess scales an upright
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

// fail notes a picture that cannot be read. When the fault is in the file, its
// earlier image is removed; when the fault may pass, the image stays. So it does when
// the file went since the walk: perhaps its disk did, and the next run knows more.
func (r *run) fail(ctx context.Context, j job, err error) error {
	failure := catalog.Failure{
		URI: j.item.URI, Source: r.source.Name(), Kind: catalog.FailurePicture,
		Reason: reason(err), Size: j.item.Size, Modified: j.item.Modified,
		Changed: j.item.Changed, Decoder: decode.Version,
	}
	if mayPass(err) {
		failure.Size = -1 // no file has this size: the next run tries again
	}
	if failure.Size >= 0 {
		r.met.spoil(catalog.ImageID(r.collection, j.item.URI))
	}
	r.met.failure(j.item.URI)
	r.progress.fail(failure)
	return r.store.SaveFailures(ctx, r.collection, []catalog.Failure{failure})
}
