package indexer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"math"
	"time"

	_ "image/jpeg" // thumbnails are JPEG or PNG, see decode.Thumbnail
	_ "image/png"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/indexer/decode"
)

// Where a collection discards originals, a picture that a client sends is never written:
// its vector and its largest thumbnail are made while it is in memory, the thumbnail is
// kept beside the originals of others, and then the image is saved. Originals that were
// kept before go when files that nobody needs are collected: first the thumbnail is made,
// then the catalogue notes that the file is discarded, then the file goes. Interrupted in
// between, the next collection goes on.

// largestSide is that of the thumbnail that stands for a picture.
func largestSide() int { return ThumbnailSides[len(ThumbnailSides)-1] }

// SetOriginals chooses what becomes of the originals of a collection. Those that it has
// kept go after blob.Grace; those that it has discarded do not come back.
func (ix *Indexer) SetOriginals(ctx context.Context, collection string, originals catalog.Originals) (catalog.Collection, error) {
	found, err := ix.store.UncountedCollection(ctx, collection)
	if err != nil {
		return found, err
	}
	if err := ix.store.SetOriginals(ctx, found.ID, originals); err != nil {
		return found, err
	}
	return ix.store.Collection(ctx, collection)
}

// keepOriginal keeps what is to be kept of a picture that is about to be saved.
func (p *pushing) keepOriginal(ctx context.Context, content decode.Content) error {
	switch {
	case p.discards:
	case p.chunk == nil:
		return p.blobs.PutContent(ctx, content.SHA256, content.Data)
	default:
		return p.blobs.PutContentUntilSync(ctx, content.SHA256, content.Data)
	}
	return keepThumbnail(ctx, p.blobs, p.decoder, content.SHA256, func(context.Context) (decode.Content, error) { return content, nil })
}

// discardsNow reports whether originals need not be kept. While another model is being
// prepared they are: pictures that come meanwhile have to be encoded with it, too.
func (d *destination) discardsNow(known catalog.Collection) (bool, error) {
	if known.Originals != catalog.OriginalsDiscarded {
		return false, nil
	}
	next, err := d.Indexer.encoder.For(known.MaxPatches)
	return err == nil && next.Fingerprint() == d.fingerprint, err
}

// keepThumbnail sees to it that the thumbnail of a picture is there.
func keepThumbnail(ctx context.Context, blobs *blob.Store, decoder Decoder, sha256 string, read func(context.Context) (decode.Content, error)) error {
	there, err := blobs.RefreshThumbnail(ctx, sha256)
	if err != nil || there {
		return err
	}
	content, err := read(ctx)
	if err != nil {
		return err
	}
	if content.SHA256 != sha256 {
		return errChanged
	}
	data, _, err := thumbnailOfContent(ctx, decoder, content, largestSide())
	for errors.Is(err, catalog.ErrBusy) && ctx.Err() == nil { // a push has time
		data, _, err = thumbnailOfContent(ctx, decoder, content, largestSide())
	}
	if err != nil {
		return fmt.Errorf("its thumbnail cannot be made: %w", err)
	}
	return blobs.Put(ctx, blob.ThumbnailName(sha256), data)
}

func thumbnailOfContent(ctx context.Context, decoder Decoder, content decode.Content, side int) (data []byte, contentType string, err error) {
	picture, err := decoder.Decode(ctx, content, decode.ThumbnailTarget(side))
	if decode.IsBusy(err) {
		return nil, "", catalog.ErrBusy
	}
	if err != nil {
		return nil, "", err
	}
	defer picture.Release()
	return decode.Thumbnail(picture.Image, side)
}

// smaller makes a thumbnail of a kept one.
func smaller(kept []byte, side int) (data []byte, contentType string, err error) {
	config, _, err := image.DecodeConfig(bytes.NewReader(kept))
	if err == nil && max(config.Width, config.Height) > largestSide() { // none of ours: it might take any memory
		err = fmt.Errorf("it has %d x %d pixels", config.Width, config.Height)
	}
	var picture image.Image
	if err == nil {
		picture, _, err = image.Decode(bytes.NewReader(kept))
	}
	if err != nil {
		return nil, "", fmt.Errorf("the thumbnail that is kept is damaged: %w", err)
	}
	return decode.Thumbnail(picture, side)
}

// readKeptThumbnail returns the thumbnail that stands for the picture of an image.
func readKeptThumbnail(ctx context.Context, blobs *blob.Store, image catalog.Image) ([]byte, error) {
	return blobs.Read(ctx, blob.ThumbnailName(image.SHA256), blob.MostThumbnail)
}

// whyGone is an error about the missing file of a pushed image: perhaps it was discarded.
func (p *Pictures) whyGone(ctx context.Context, image catalog.Image, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	discarded, failed := p.store.DiscardedContents(ctx, []string{image.SHA256})
	if failed != nil || !discarded[image.SHA256] {
		return errors.Join(err, failed)
	}
	return fmt.Errorf("image %.80q: %w: its collection keeps thumbnails of up to %d pixels; ask for thumbnail?size=%d instead, or have the collection keep originals and send the picture again",
		image.PublicID(), catalog.ErrDiscarded, largestSide(), largestSide())
}

// Collect removes the files of pictures that no image needs any more, after some time: the
// originals of pictures that are gone, or of collections that discard them, and thumbnails
// of pictures that are gone.
func (d *Documents) Collect(ctx context.Context, now time.Time) (blob.Collected, error) {
	removed, err := d.blobs.Collect(ctx, now, func(ctx context.Context, sums []string) (map[string]bool, error) {
		return d.indexer.releaseOriginals(ctx, d.blobs, sums, now)
	})
	thumbnails, failed := d.blobs.CollectThumbnails(ctx, now, d.indexer.store.PushedAnywhere)
	removed.Files, removed.Bytes = removed.Files+thumbnails.Files, removed.Bytes+thumbnails.Bytes
	return removed, errors.Join(err, failed, d.indexer.store.ForgetDiscarded(ctx))
}

// releaseOriginals returns those of some contents whose files have to stay. For the others
// it has noted that they are discarded, where images have them, and kept a thumbnail. A
// picture of which no thumbnail can be made now stays.
func (ix *Indexer) releaseOriginals(ctx context.Context, blobs *blob.Store, sums []string, now time.Time) (map[string]bool, error) {
	since := now.Add(-blob.Grace)
	stay, err := ix.store.NeededContents(ctx, sums, since)
	if err != nil {
		return nil, err
	}
	pushed, err := ix.store.PushedAnywhere(ctx, sums)
	if err != nil {
		return nil, err
	}
	var free []string
	for _, sum := range sums {
		if !stay[sum] && pushed[sum] {
			if err := ix.keepThumbnailOf(ctx, blobs, sum); err != nil {
				if ctx.Err() != nil {
					return nil, context.Cause(ctx)
				}
				ix.options.Log.Warn("an original stays whose thumbnail cannot be kept", "sha256", sum, "error", err)
				stay[sum] = true
			}
		}
		if !stay[sum] {
			free = append(free, sum)
		}
	}
	gone, err := ix.store.Discard(ctx, free, since) // looks once more: a collection may need one by now
	if err != nil {
		return nil, err
	}
	for _, sum := range free {
		stay[sum] = !gone[sum]
	}
	return stay, nil
}

func (ix *Indexer) keepThumbnailOf(ctx context.Context, blobs *blob.Store, sum string) error {
	return keepThumbnail(ctx, blobs, ix.decoder, sum, func(ctx context.Context) (decode.Content, error) {
		data, err := blobs.Read(ctx, blob.ContentName(sum), math.MaxInt64) // it was in memory when it came
		return decode.NewContent(sum, data), err
	})
}
