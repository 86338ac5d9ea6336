package indexer

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
)

// originalsBench takes pictures, and shows them.
type originalsBench struct {
	*bench
	documents *Documents
	pictures  *Pictures
	blobs     *blob.Store
	folder    string
}

func newOriginalsBench(t *testing.T, originals catalog.Originals) *originalsBench {
	t.Helper()
	b := newBench(t, Options{})
	folder := t.TempDir()
	blobs, err := blob.OpenFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { blobs.Close() })
	if _, err := b.CreateCollection(t.Context(), "c", 0, originals); err != nil {
		t.Fatal(err)
	}
	o := &originalsBench{bench: b, documents: NewDocuments(b.Indexer, blobs, Places{MaxBytes: 1 << 20}), blobs: blobs, folder: folder}
	b.Connect(Kept{Blobs: blobs})
	if o.pictures, err = NewPictures(filepath.Join(t.TempDir(), "thumbnails"), b.store, blobs, testDecoder); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *originalsBench) apply(t *testing.T, document Document) catalog.Outcome {
	t.Helper()
	_, outcome, err := o.documents.Apply(t.Context(), "c", document)
	if err != nil {
		t.Fatal(err)
	}
	return outcome
}

// files are those that are kept, by place.
func (o *originalsBench) files(t *testing.T) (originals, thumbnails []string) {
	t.Helper()
	err := errors.Join(
		o.blobs.WalkContents(t.Context(), func(sum string, _ blob.File) error { originals = append(originals, sum); return nil }, nil),
		o.blobs.WalkThumbnails(t.Context(), func(sum string, _ blob.File) error { thumbnails = append(thumbnails, sum); return nil }))
	if err != nil {
		t.Fatal(err)
	}
	return originals, thumbnails
}

// age makes all files look as if they were written some time ago.
func (o *originalsBench) age(t *testing.T, by time.Duration) {
	t.Helper()
	then := time.Now().Add(-by)
	err := filepath.WalkDir(o.folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		return os.Chtimes(path, then, then)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (o *originalsBench) collect(t *testing.T, after time.Duration) {
	t.Helper()
	if _, err := o.documents.Collect(t.Context(), time.Now().Add(after)); err != nil {
		t.Fatal(err)
	}
}

// wantShown demands that an image is shown, as a thumbnail of every size.
func (o *originalsBench) wantShown(t *testing.T, id string) {
	t.Helper()
	for _, side := range ThumbnailSides {
		thumbnail, err := o.pictures.Thumbnail(t.Context(), "c", id, side)
		if err != nil {
			t.Errorf("%s at %d: %v", id, side, err)
			continue
		}
		if _, _, err := image.DecodeConfig(bytes.NewReader(thumbnail.Data)); err != nil {
			t.Errorf("%s at %d: %v", id, side, err)
		}
	}
}

func (o *originalsBench) wantFindings(t *testing.T, repair bool, want ...FindingKind) {
	t.Helper()
	kind := JobCheck
	if repair {
		kind = JobRepair
	}
	var kinds []FindingKind
	for _, collection := range []string{"c", ""} {
		result, err := o.Examine(t.Context(), CheckOrder{Collection: collection, Kind: kind}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, finding := range result.Findings {
			kinds = append(kinds, finding.Kind)
		}
	}
	if !slices.Equal(kinds, want) {
		t.Errorf("a check finds %v, want %v", kinds, want)
	}
}

// TestDiscardedOriginals: what is sent to a collection that discards originals is found and
// shown, and its file is nowhere.
func TestDiscardedOriginals(t *testing.T) {
	o := newOriginalsBench(t, catalog.OriginalsDiscarded)
	o.apply(t, upsert("a", picture(1), `{"n": 1}`))
	originals, thumbnails := o.files(t)
	sum := o.imageNamed(t, "a").SHA256
	if len(originals) != 0 || !slices.Equal(thumbnails, []string{sum}) {
		t.Fatalf("kept are originals %v and thumbnails %v", originals, thumbnails)
	}
	o.wantMirror(t)
	o.wantShown(t, "a")
	if _, err := o.pictures.Original(t.Context(), "c", "a"); !errors.Is(err, catalog.ErrDiscarded) || errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("the original gives %v", err)
	}
	o.wantFindings(t, false)

	known, err := o.documents.Known(t.Context(), "c", []string{sum})
	if err != nil || !slices.Equal(known, []string{sum}) {
		t.Errorf("known are %v, %v", known, err)
	}
	encoded := o.encoder.encoded()
	if outcome := o.apply(t, Document{Operation: catalog.OperationUpsert, ID: "b", SHA256: sum}); outcome != catalog.OutcomeCreated {
		t.Errorf("by its SHA-256 it is %s", outcome)
	}
	if outcome := o.apply(t, upsert("a", picture(1), `{"n": 1}`)); outcome != catalog.OutcomeUnchanged {
		t.Errorf("sent again it is %s", outcome)
	}
	if n := o.encoder.encoded(); n != encoded {
		t.Errorf("%d pictures were encoded again", n-encoded)
	}
	if size, b := o.imageNamed(t, "a").Size, o.imageNamed(t, "b").Size; size != int64(len(picture(1))) || b != size {
		t.Errorf("the sizes are %d and %d", size, b)
	}
	o.wantShown(t, "b")

	o.age(t, 3*blob.Grace)
	o.collect(t, 0)
	o.wantShown(t, "a")
	for _, id := range []string{"a", "b"} {
		o.apply(t, Document{Operation: catalog.OperationDelete, ID: id})
	}
	o.collect(t, 0)
	if originals, thumbnails = o.files(t); len(originals)+len(thumbnails) != 0 {
		t.Errorf("left of what was deleted are %v and %v", originals, thumbnails)
	}
	if noted, err := o.store.DiscardedContents(t.Context(), []string{sum}); err != nil || len(noted) != 0 {
		t.Errorf("noted are %v, %v", noted, err)
	}
}

// imageNamed is an image by the client's own ID.
func (o *originalsBench) imageNamed(t *testing.T, id string) catalog.Image {
	t.Helper()
	image, err := o.store.Image(t.Context(), "c", id)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// TestDiscardLater: originals go a day after they are to be discarded, and not those that
// another collection keeps. What is kept again comes back when it is sent again.
func TestDiscardLater(t *testing.T) {
	o := newOriginalsBench(t, catalog.OriginalsKept)
	o.apply(t, upsert("a", picture(1), ``))
	o.apply(t, upsert("shared", picture(2), ``))
	if _, _, err := o.documents.Apply(t.Context(), "other", upsert("x", picture(2), ``)); err != nil {
		t.Fatal(err)
	}
	shared := o.imageNamed(t, "shared").SHA256
	o.age(t, 3*blob.Grace)
	choose := func(originals catalog.Originals) {
		t.Helper()
		changed, err := o.SetOriginals(t.Context(), "c", originals)
		if err != nil || changed.Originals != originals {
			t.Fatalf("chosen is %s, %v", changed.Originals, err)
		}
	}
	choose(catalog.OriginalsDiscarded)
	o.collect(t, 0)
	if originals, thumbnails := o.files(t); len(originals) != 2 || len(thumbnails) != 0 {
		t.Errorf("before the day is over there are %v and %v", originals, thumbnails)
	}
	choose(catalog.OriginalsDiscarded) // once more: it does not begin anew
	o.collect(t, blob.Grace+time.Minute)
	originals, thumbnails := o.files(t)
	if !slices.Equal(originals, []string{shared}) || len(thumbnails) != 1 {
		t.Errorf("after the day there are originals %v, thumbnails %v; want %v and one", originals, thumbnails, shared)
	}
	o.wantShown(t, "a")
	o.wantShown(t, "shared")
	o.wantFindings(t, false)

	choose(catalog.OriginalsKept)
	o.wantFindings(t, false)
	if _, err := o.pictures.Original(t.Context(), "c", "a"); !errors.Is(err, catalog.ErrDiscarded) {
		t.Errorf("the original gives %v", err)
	}
	if outcome := o.apply(t, upsert("a", picture(1), ``)); outcome != catalog.OutcomeUnchanged {
		t.Errorf("sent again it is %s", outcome)
	}
	file, err := o.pictures.Original(t.Context(), "c", "a")
	if err != nil {
		t.Fatalf("sent again: %v", err)
	}
	file.Close()
	if err := o.blobs.Delete(t.Context(), blob.ContentName(o.imageNamed(t, "a").SHA256)); err != nil {
		t.Fatal(err)
	}
	o.wantFindings(t, false, OriginalMissing) // it is expected again
}

// TestDiscardInterrupted: whatever step the collection of originals ends at, the next one
// goes on, and the picture is shown all the time.
func TestDiscardInterrupted(t *testing.T) {
	after := blob.Grace + time.Minute
	for name, done := range map[string]func(*originalsBench, string) error{
		"before all":          func(*originalsBench, string) error { return nil },
		"after the thumbnail": func(o *originalsBench, sum string) error { return o.keepThumbnailOf(t.Context(), o.blobs, sum) },
		"after the note": func(o *originalsBench, sum string) error {
			_, err := o.releaseOriginals(t.Context(), o.blobs, []string{sum}, time.Now().Add(after))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOriginalsBench(t, catalog.OriginalsKept)
			o.apply(t, upsert("a", picture(1), ``))
			o.age(t, 3*blob.Grace)
			sum := o.imageNamed(t, "a").SHA256
			_, err := o.SetOriginals(t.Context(), "c", catalog.OriginalsDiscarded)
			if err := errors.Join(err, done(o, sum)); err != nil {
				t.Fatal(err)
			}
			o.wantShown(t, "a")
			o.wantFindings(t, false)
			o.collect(t, after)
			if originals, thumbnails := o.files(t); len(originals) != 0 || !slices.Equal(thumbnails, []string{sum}) {
				t.Errorf("there are %v and %v", originals, thumbnails)
			}
			o.wantShown(t, "a")
			o.wantFindings(t, false)
		})
	}
}

// TestOriginalWithoutThumbnailStays: nothing goes of which no thumbnail can be made, or that
// has no vector.
func TestOriginalWithoutThumbnailStays(t *testing.T) {
	o := newOriginalsBench(t, catalog.OriginalsKept)
	o.apply(t, upsert("damaged", picture(1), ``))
	o.apply(t, upsert("no vector", picture(2), ``))
	damaged, bare := o.imageNamed(t, "damaged").SHA256, o.imageNamed(t, "no vector").SHA256
	if err := errors.Join(o.blobs.Put(t.Context(), blob.ContentName(damaged), []byte("no picture")), o.store.DropVector(t.Context(), "f1", bare)); err != nil {
		t.Fatal(err)
	}
	o.age(t, 3*blob.Grace)
	if _, err := o.SetOriginals(t.Context(), "c", catalog.OriginalsDiscarded); err != nil {
		t.Fatal(err)
	}
	o.collect(t, blob.Grace+time.Minute)
	if originals, _ := o.files(t); len(originals) != 2 {
		t.Errorf("left are %v", originals)
	}
}

// TestKeptThumbnails: one that is gone or damaged is found, and comes back with the picture.
func TestKeptThumbnails(t *testing.T) {
	for name, spoil := range map[string]func(*originalsBench, string) error{
		"gone":  func(o *originalsBench, thumbnail string) error { return o.blobs.Delete(t.Context(), thumbnail) },
		"empty": func(o *originalsBench, thumbnail string) error { return o.blobs.Put(t.Context(), thumbnail, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			o := newOriginalsBench(t, catalog.OriginalsDiscarded)
			o.apply(t, upsert("a", picture(1), ``))
			if err := spoil(o, blob.ThumbnailName(o.imageNamed(t, "a").SHA256)); err != nil {
				t.Fatal(err)
			}
			o.wantFindings(t, false, ThumbnailMissing)
			o.wantFindings(t, true, ThumbnailMissing)
			_, _, err := o.documents.Apply(t.Context(), "c", Document{Operation: catalog.OperationUpsert, ID: "b", SHA256: o.imageNamed(t, "a").SHA256})
			if !errors.Is(err, catalog.ErrPicture) {
				t.Errorf("another image of it: %v", err)
			}
			o.apply(t, upsert("a", picture(1), ``))
			o.wantFindings(t, false)
			o.wantShown(t, "a")
		})
	}
}

// TestForeignThumbnail: a file in the place of a thumbnail that is larger than any is not
// decoded.
func TestForeignThumbnail(t *testing.T) {
	for side, good := range map[int]bool{largestSide(): true, largestSide() + 1: false} {
		var file bytes.Buffer
		if err := png.Encode(&file, image.NewGray(image.Rect(0, 0, side, 1))); err != nil {
			t.Fatal(err)
		}
		if _, _, err := smaller(file.Bytes(), 128); (err == nil) != good {
			t.Errorf("%d pixels: %v", side, err)
		}
	}
}
