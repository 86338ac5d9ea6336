package indexer

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/indexer/jobs"
	"polylens/search"
)

// pushBench is a bench that takes pushes, and a queue that does them.
type pushBench struct {
	*bench
	*Jobs
	documents *Documents
	pushes    *Pushes
}

func newPushBench(t *testing.T) *pushBench {
	t.Helper()
	b := newBench(t, Options{})
	p := &pushBench{bench: b, documents: newDocuments(t, b)}
	p.pushes = NewPushes(p.documents, b.store.Jobs(nil), func(error) string { return "some-problem" })
	queue, err := jobs.New(b.store.Jobs(nil), p.pushes.Kind(), p.pushes.PlanKind())
	if err != nil {
		t.Fatal(err)
	}
	p.pushes.Connect(queue)
	p.Jobs = NewJobs(queue, b.Indexer)
	worker := jobs.NewWorker(queue, jobs.Settings{Slots: 2, Alone: true})
	worker.Start(t.Context())
	t.Cleanup(func() { stopJobs(t, worker) })
	return p
}

// push sends lines and waits until they are done.
func (p *pushBench) push(t *testing.T, lines ...string) (catalog.PushCounts, []catalog.ItemResult) {
	t.Helper()
	job, err := p.pushes.Receive(t.Context(), "c", strings.NewReader(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	job = waitFor(t, p.Jobs, job.ID, catalog.JobSucceeded)
	var progress PushProgress
	if err := json.Unmarshal(job.Progress, &progress); err != nil {
		t.Fatal(err)
	}
	items, err := p.store.Jobs(nil).Items(t.Context(), job.ID, catalog.ItemFilter{Limit: 10000})
	if err != nil {
		t.Fatal(err)
	}
	p.wantMirror(t)
	return progress.Counts, items
}

func upsertLine(id string, n int) string {
	return fmt.Sprintf(`{"op":"upsert","id":%q,"data":"%s","metadata":{"n":%d}}`, id, base64.StdEncoding.EncodeToString(picture(n)), n)
}

// TestPush: each line has its outcome, in order, and a bad one harms no other.
func TestPush(t *testing.T) {
	p := newPushBench(t)
	counts, items := p.push(t,
		upsertLine("a", 1), upsertLine("b", 2), `no json`, ``, `{"op":"upsert","id":"c"}`, `{"op":"upsert","id":"d","data":"bm8gcGljdHVyZQ=="}`,
		`{"op":"patch","id":"a","metadata":{"n":null,"m":5}}`, `{"op":"delete","id":"b"}`, `{"op":"delete","id":"zz"}`, upsertLine("a", 1),
		`{"op":"rename","id":"a"}`, `{"id":"a","size":3}`, `{"op":"patch","id":7}`)
	var got []string
	for _, item := range items {
		got = append(got, fmt.Sprintf("%d %s %s %s", item.Number, item.ID, item.Operation, item.Outcome))
		if (item.Outcome == catalog.OutcomeFailed) != (item.Problem != "" && item.Detail != "") {
			t.Errorf("%+v", item)
		}
	}
	want := []string{
		"1 a upsert created", "2 b upsert created", "3   failed", "4 c upsert failed", "5 d upsert failed", "6 a patch updated",
		"7 b delete deleted", "8 zz delete failed", "9 a upsert updated", "10 a rename failed", "11 a  failed", "12  patch failed",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if want := (catalog.PushCounts{Total: 12, Created: 2, Updated: 2, Deleted: 1, Failed: 7}); counts != want {
		t.Errorf("counts are %+v, want %+v", counts, want)
	}
}

// TestPushIsInOrder: whatever is mixed, lines with one identity are done in their order,
// over many chunks.
func TestPushIsInOrder(t *testing.T) {
	p := newPushBench(t)
	random := rand.New(rand.NewPCG(19, 1))
	var lines []string
	last := make(map[string]string) // metadata by identity
	for i := range 3000 {
		id := fmt.Sprintf("id %d", random.IntN(40))
		switch random.IntN(4) {
		case 0:
			lines = append(lines, fmt.Sprintf(`{"op":"delete","id":%q}`, id))
			delete(last, id)
		case 1:
			lines = append(lines, fmt.Sprintf(`{"op":"patch","id":%q,"metadata":{"p":%d}}`, id, i))
			if n, there := last[id]; there {
				n, _, _ = strings.Cut(n, ",")
				last[id] = fmt.Sprintf(`%s,"p":%d}`, strings.TrimSuffix(n, "}"), i)
			}
		default:
			n := random.IntN(20)
			lines = append(lines, upsertLine(id, n))
			last[id] = fmt.Sprintf(`{"n":%d}`, n)
		}
	}
	counts, _ := p.push(t, lines...)
	if counts.Total != 3000 || counts.Done() != 3000 {
		t.Errorf("counts are %+v", counts)
	}
	collection, err := p.store.Collection(t.Context(), "c")
	if err != nil || collection.Images != len(last) {
		t.Errorf("there are %d images (%v), want %d", collection.Images, err, len(last))
	}
	for id, want := range last {
		image, err := p.store.Image(t.Context(), "c", id)
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		if got, _ := catalog.MarshalMetadata(image.Metadata); got != want {
			t.Errorf("%s has metadata %s, want %s", id, got, want)
		}
	}
}

// TestPushArchive: pictures come out of zip and tar with what describes them, and what
// cannot be used is named.
func TestPushArchive(t *testing.T) {
	members := []struct {
		name string
		data []byte
	}{
		{"a/1.png", picture(1)}, {"a/1.json", []byte(`{"n": 1, "caption": "one"}`)}, {"2.png", picture(2)},
		{"2.json", []byte(`{"n": 2, "tags": 7}`)}, {"../3.png", picture(3)}, {"6.npy", []byte("numbers")}, {"4.png", []byte("no picture")}, {"5.txt", []byte("of nothing")},
	}
	for name, pack := range map[string]func(io.Writer){
		"zip": func(w io.Writer) {
			z := zip.NewWriter(w)
			for _, m := range members {
				file, _ := z.Create(m.name)
				_, _ = file.Write(m.data)
			}
			_ = z.Close()
		},
		"tar.gz": func(w io.Writer) {
			g := gzip.NewWriter(w)
			a := tar.NewWriter(g)
			for _, m := range members {
				_ = a.WriteHeader(&tar.Header{Name: m.name, Size: int64(len(m.data)), Mode: 0o600})
				_, _ = a.Write(m.data)
			}
			_ = a.Close()
			_ = g.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPushBench(t)
			var packed bytes.Buffer
			pack(&packed)
			job, err := p.pushes.ReceiveArchive(t.Context(), "c", &packed)
			if err != nil {
				t.Fatal(err)
			}
			job = waitFor(t, p.Jobs, job.ID, catalog.JobSucceeded)
			var progress PushProgress
			if err := json.Unmarshal(job.Progress, &progress); err != nil || progress.Others[".npy"] != 1 || progress.Rate <= 0 {
				t.Errorf("progress is %+v (%v)", progress, err)
			}
			if file, err := p.documents.blobs.Open(t.Context(), archiveName(pushOfJob(t, job))); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the archive is kept: %v, %v", file, err)
			}
			items, err := p.store.Jobs(nil).Items(t.Context(), job.ID, catalog.ItemFilter{Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			outcomes := make(map[string]string)
			for _, item := range items {
				outcomes[item.ID] = string(item.Outcome) + " " + item.Detail
			}
			if got := outcomes["a/1.png"]; got != "created " {
				t.Errorf("a/1.png: %q", got)
			}
			if got := outcomes["2.png"]; !strings.HasPrefix(got, "created ") || !strings.Contains(got, "tags") {
				t.Errorf("2.png, whose tags are none: %q", got)
			}
			if len(items) < 4 || !strings.HasPrefix(outcomes["4.png"], "failed ") {
				t.Errorf("got %v", outcomes)
			}
			image, err := p.store.Image(t.Context(), "c", "a/1.png")
			if err != nil || image.Metadata["n"] != 1.0 || len(image.Captions) != 1 {
				t.Errorf("a/1.png is %+v (%v)", image, err)
			}
		})
	}
}

func pushOfJob(t *testing.T, job catalog.Job) string {
	t.Helper()
	var params PushParams
	if err := json.Unmarshal(job.Params, &params); err != nil {
		t.Fatal(err)
	}
	return params.Push
}

// TestPushArchiveRefused: what is no archive makes no job, and leaves nothing.
func TestPushArchiveRefused(t *testing.T) {
	p := newPushBench(t)
	for name, data := range map[string][]byte{"nothing": nil, "a picture": picture(1), "half a zip": []byte("PK\x03\x04half")} {
		if _, err := p.pushes.ReceiveArchive(t.Context(), "c", bytes.NewReader(data)); !errors.Is(err, catalog.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestPushFiles: files have their names for identities.
func TestPushFiles(t *testing.T) {
	p := newPushBench(t)
	n := 0
	job, err := p.pushes.ReceiveFiles(t.Context(), "c", func() (string, []byte, error) {
		if n++; n > 3 {
			return "", nil, io.EOF
		}
		return fmt.Sprintf("folder/%d.png", n), picture(n), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, p.Jobs, job.ID, catalog.JobSucceeded)
	if _, err := p.store.Image(t.Context(), "c", "folder/3.png"); err != nil {
		t.Error(err)
	}
}

// TestRetryFailed: the lines that failed are done again, and no others.
func TestRetryFailed(t *testing.T) {
	p := newPushBench(t)
	job, err := p.pushes.Receive(t.Context(), "c", strings.NewReader(strings.Join([]string{
		upsertLine("a", 1), `{"op":"patch","id":"b","metadata":{"m":1}}`, `{"op":"delete","id":"c"}`}, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, p.Jobs, job.ID, catalog.JobSucceeded)
	p.push(t, upsertLine("b", 2))
	again, err := p.pushes.RetryFailed(t.Context(), job.ID)
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, p.Jobs, again.ID, catalog.JobSucceeded)
	items, err := p.store.Jobs(nil).Items(t.Context(), again.ID, catalog.ItemFilter{Limit: 10})
	if err != nil || len(items) != 2 || items[0].ID+string(items[0].Outcome) != "bupdated" && items[1].ID+string(items[1].Outcome) != "bupdated" {
		t.Errorf("got %+v, %v", items, err)
	}
	whole, _ := p.pushes.Receive(t.Context(), "c", strings.NewReader(upsertLine("a", 1)))
	waitFor(t, p.Jobs, whole.ID, catalog.JobSucceeded)
	if _, err := p.pushes.RetryFailed(t.Context(), whole.ID); !errors.Is(err, catalog.ErrConflict) {
		t.Errorf("of a push without failures: %v", err)
	}
	if err := p.pushes.Collect(t.Context(), time.Now().Add(10*blob.Grace)); err != nil {
		t.Error(err)
	}
	if _, err := p.pushes.RetryFailed(t.Context(), job.ID); err != nil {
		t.Errorf("after the collection: %v", err)
	}
}

// TestPushIsSteered: a push that is paused, canceled and tried again goes on where it was.
func TestPushIsSteered(t *testing.T) {
	p := newPushBench(t)
	p.encoder.pause = 10 * time.Millisecond
	var lines []string
	for i := range 1500 {
		lines = append(lines, upsertLine(fmt.Sprint(i), i))
	}
	job, err := p.pushes.Receive(t.Context(), "c", strings.NewReader(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, p.Jobs, job.ID, catalog.JobRunning)
	if _, err := p.Pause(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	waitFor(t, p.Jobs, job.ID, catalog.JobPaused)
	if _, err := p.Resume(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	waitFor(t, p.Jobs, job.ID, catalog.JobRunning)
	if _, err := p.Cancel(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	waitFor(t, p.Jobs, job.ID, catalog.JobCanceled)
	if _, err := p.Retry(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	waitFor(t, p.Jobs, job.ID, catalog.JobSucceeded)
	counts, err := p.store.Jobs(nil).PushCounts(t.Context(), job.ID)
	if want := (catalog.PushCounts{Total: 1500, Created: 1500}); err != nil || counts != want {
		t.Errorf("counts are %+v (%v), want %+v", counts, err, want)
	}
	p.wantMirror(t)
}

// TestPushedAgain: an image that was deleted and sent again is found.
func TestPushedAgain(t *testing.T) {
	p := newPushBench(t)
	p.push(t, upsertLine("a", 1), upsertLine("b", 2))
	p.push(t, `{"op":"delete","id":"a"}`, upsertLine("a", 3))
	if rows := len(p.index.rows["c/f1"]); rows != 2 {
		t.Errorf("the index holds %d rows, want 2", rows)
	}
}

// TestHelpFits: a worker helps where the vectors are its model's, and nowhere else.
func TestHelpFits(t *testing.T) {
	p := newPushBench(t)
	other := NewDocuments(New(p.store, &fakeEncoder{fingerprint: "f2"}, p.index, testDecoder, Options{}), p.documents.blobs, Places{})
	for range 2 {
		for name, documents := range map[string]*Documents{"same": p.documents, "other": other} {
			if ready, err := documents.fits(t.Context(), "c"); err != nil || ready {
				t.Errorf("%s model fits a collection without vectors: %t (%v)", name, ready, err)
			}
		}
		if _, err := p.store.CreateCollection(t.Context(), "c", 0); err != nil && !errors.Is(err, catalog.ErrConflict) {
			t.Fatal(err)
		}
	}
	p.push(t, upsertLine("a", 1))
	if ready, err := p.documents.fits(t.Context(), "c"); err != nil || !ready {
		t.Errorf("the same model fits: %t (%v)", ready, err)
	}
	if _, err := other.fits(t.Context(), "c"); !errors.Is(err, search.ErrModelMismatch) {
		t.Errorf("another model gives %v", err)
	}
}
