package indexer

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/upload"
)

// withUploads lets a bench take uploads.
func (p *pushBench) withUploads(limits upload.Limits) *upload.Store {
	uploads := upload.New(p.documents.blobs, limits, func(int64) error { return nil })
	p.documents.places.Uploads = uploads
	return uploads
}

// upload keeps a file as an upload of the collection c, but for its last bytes.
func (p *pushBench) upload(t *testing.T, data []byte, without int) string {
	t.Helper()
	u, err := p.pushes.Uploads().Create(t.Context(), upload.About{Collection: "c", Owner: "k", Size: int64(len(data))})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.documents.places.Uploads.Append(t.Context(), &u, bytes.NewReader(data[:len(data)-without])); err != nil {
		t.Fatal(err)
	}
	return u.ID
}

func (p *pushBench) counts(t *testing.T, id string, state catalog.JobState) catalog.PushCounts {
	t.Helper()
	job := waitFor(t, p.Jobs, id, state)
	var progress PushProgress
	if err := json.Unmarshal(job.Progress, &progress); err != nil {
		t.Fatal(err)
	}
	return progress.Counts
}

// TestLinesNameUploads: a picture may have come in pieces. An upload is kept until the push
// that uses it is done, and goes then, so that there is a place for others.
func TestLinesNameUploads(t *testing.T) {
	p := newPushBench(t)
	uploads := p.withUploads(upload.Limits{Uploads: 2})
	id, half := p.upload(t, picture(1), 0), p.upload(t, picture(2), 1)
	counts, items := p.push(t, fmt.Sprintf(`{"id":"a","upload":%q}`, id), fmt.Sprintf(`{"id":"b","upload":%q}`, id),
		fmt.Sprintf(`{"id":"x","upload":%q}`, half), `{"id":"y","upload":"../about"}`)
	if counts.Created != 2 || counts.Failed != 2 {
		t.Errorf("%+v %+v", counts, items)
	}
	if image, err := p.store.Image(t.Context(), "c", "a"); err != nil || image.Size != int64(len(picture(1))) {
		t.Errorf("%+v, %v", image, err)
	}
	if err := p.pushes.Collect(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := uploads.Find(t.Context(), "c", id); err != nil { // a line failed, and may be tried again
		t.Error(err)
	}
	if err := uploads.Delete(t.Context(), "c", half); err != nil {
		t.Fatal(err)
	}
	counts, _ = p.push(t, fmt.Sprintf(`{"id":"c","upload":%q}`, p.upload(t, picture(3), 0)))
	if counts.Created != 1 {
		t.Errorf("%+v", counts)
	}
	p.upload(t, picture(4), 0) // there is place for it because one of the two is used
}

// TestUploadIsPushed: an upload of lines or of an archive is told by its bytes, done as a
// push, and gone afterwards.
func TestUploadIsPushed(t *testing.T) {
	p := newPushBench(t)
	uploads := p.withUploads(upload.Limits{})
	lines := []byte(upsertLine("lines/a", 1) + "\n" + upsertLine("lines/b", 2) + "\nno json\n")
	members := []string{"d/a.png", string(picture(3)), "d/b.png", string(picture(4)), "d/c.png", "no picture"}
	for name, data := range map[string][]byte{
		"lines": lines, "packed lines": gzipped(t, lines), "zip": zipOf(t, members...), "tar": tarOf(t, members...), "packed tar": gzipped(t, tarOf(t, members...)),
	} {
		id := p.upload(t, data, 0)
		job, err := p.pushes.ReceiveFrom(t.Context(), "c", PushSource{Upload: id})
		if err != nil {
			t.Fatal(err)
		}
		if counts := p.counts(t, job.ID, catalog.JobSucceeded); counts.Total != 3 || counts.Failed != 1 {
			t.Errorf("%s: %+v", name, counts)
		}
		if _, err := uploads.Find(t.Context(), "c", id); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("%s is kept: %v", name, err)
		}
	}
	p.wantMirror(t)
	for want, id := range map[error]string{catalog.ErrNotFound: "x", catalog.ErrConflict: p.upload(t, lines, 1)} {
		if _, err := p.pushes.ReceiveFrom(t.Context(), "c", PushSource{Upload: id}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", id, err, want)
		}
	}
	if _, err := p.pushes.ReceiveFrom(t.Context(), "d", PushSource{Upload: p.upload(t, lines, 0)}); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("an upload of another collection is used: %v", err)
	}
	broken := zipOf(t, members...)
	job, err := p.pushes.ReceiveFrom(t.Context(), "c", PushSource{Upload: p.upload(t, broken[:len(broken)-30], 0)})
	if err != nil {
		t.Fatal(err)
	}
	if failed := waitFor(t, p.Jobs, job.ID, catalog.JobFailed); failed.Error == "" {
		t.Errorf("%+v", failed)
	}
}

// TestPreparedOnce: what an attempt has left that died while it cut is not done.
func TestPreparedOnce(t *testing.T) {
	p := newPushBench(t)
	p.withUploads(upload.Limits{})
	id := p.upload(t, []byte(upsertLine("a", 1)), 0)
	params := PushParams{Push: "some-push", PushSource: PushSource{Upload: id}}
	if err := p.pushes.blobs.Put(t.Context(), chunkName("some-push/dead", 0), []byte("1 {}\n")); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second finds it done, and the upload gone
		if err := p.pushes.prepare(t.Context(), "c", params, true); err != nil {
			t.Fatal(err)
		}
	}
	job, err := p.pushes.enqueue(t.Context(), "c", params)
	if err != nil {
		t.Fatal(err)
	}
	if counts := p.counts(t, job.ID, catalog.JobSucceeded); counts != (catalog.PushCounts{Total: 1, Created: 1}) {
		t.Errorf("%+v", counts)
	}
	if _, err := p.pushes.blobs.Modified(t.Context(), chunkName("some-push/dead", 0)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what a dead attempt left stays: %v", err)
	}
}

func zipOf(t *testing.T, members ...string) []byte {
	t.Helper()
	var packed bytes.Buffer
	archive := zip.NewWriter(&packed)
	for i := 0; i < len(members); i += 2 {
		file, err := archive.Create(members[i])
		if err != nil {
			t.Fatal(err)
		}
		_, _ = file.Write([]byte(members[i+1])) // into memory
	}
	_ = archive.Close() // likewise
	return packed.Bytes()
}

func tarOf(t *testing.T, members ...string) []byte {
	t.Helper()
	var packed bytes.Buffer
	archive := tar.NewWriter(&packed)
	for i := 0; i < len(members); i += 2 {
		if err := archive.WriteHeader(&tar.Header{Name: members[i], Size: int64(len(members[i+1])), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		_, _ = archive.Write([]byte(members[i+1])) // into memory
	}
	_ = archive.Close() // likewise
	return packed.Bytes()
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write(data) // into memory
	_ = w.Close()        // likewise
	return packed.Bytes()
}
