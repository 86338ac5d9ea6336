package indexer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
)

// withBucket gives a bench a bucket whose files below photos/ clients may name, and returns
// its address.
func (p *pushBench) withBucket(t *testing.T, files map[string][]byte) string {
	t.Helper()
	folder := t.TempDir()
	for name, data := range files {
		name = filepath.Join(folder, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	address := "file://" + folder
	p.documents.places.Bucket = address + "?prefix=photos/&metadata=skip"
	objects, err := blob.Open(t.Context(), p.documents.places.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { objects.Close() })
	p.documents.places.Objects = objects
	return address
}

// TestBucketIsPushed: pictures below a prefix are pushed with what lies beside them, and
// nothing of the bucket that clients may not name.
func TestBucketIsPushed(t *testing.T) {
	p := newPushBench(t)
	files := map[string][]byte{
		"secret/1.png": picture(1), "photos/other/1.png": picture(2), "photos/new/1.png": picture(3), "photos/new/1.json": []byte(`{"n": 1, "caption": "one"}`),
		"photos/new/2.png": picture(4), "photos/new/2.jpg": []byte("no picture"), "photos/new/2.png.json": []byte(`{"n": 2}`), "photos/new/3.json": []byte(`{}`),
		"photos/new/4.png": picture(5), "photos/new/4.json": []byte(`[`), "photos/new/readme.md": []byte("x"),
	}
	for i := range 1200 { // more than one page of a listing
		files[fmt.Sprintf("photos/new/many/%04d.png", i)] = picture(i % 20)
	}
	address := p.withBucket(t, files)
	for range 2 {
		job, err := p.pushes.ReceiveFrom(t.Context(), "c", PushSource{Bucket: address + "/photos/new/"})
		if err != nil {
			t.Fatal(err)
		}
		if counts := p.counts(t, job.ID, catalog.JobSucceeded); counts.Total != 1204 || counts.Failed != 1 || counts.Created+counts.Unchanged != 1203 {
			t.Errorf("%+v", counts)
		}
	}
	p.wantMirror(t)
	for id, n := range map[string]any{"new/1.png": 1.0, "new/2.png": 2.0, "new/4.png": nil} {
		image, err := p.store.Image(t.Context(), "c", id)
		if err != nil || image.Metadata["n"] != n {
			t.Errorf("%s: %+v, %v", id, image.Metadata, err)
		}
	}
	for _, wrong := range []string{address + "/secret/", address + "/", address + "/photosecret", "s3://other/photos/", address + "x/photos/", "photos/", ""} {
		_, err := p.documents.places.prefixIn(wrong)
		if !errors.Is(err, catalog.ErrInvalid) || strings.Contains(err.Error(), "metadata=skip") {
			t.Errorf("%q is allowed, or told too much of: %v", wrong, err)
		}
	}
	p.documents.places.Objects = nil
	if _, err := p.pushes.ReceiveFrom(t.Context(), "c", PushSource{Bucket: address + "/photos/"}); !errors.Is(err, catalog.ErrInvalid) || !strings.Contains(err.Error(), "--source-bucket") {
		t.Errorf("without a bucket: %v", err)
	}
}
