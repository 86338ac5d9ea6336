package indexer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/indexer/catalog/database/databasetest"
	"polylens/indexer/jobs"
)

// pushChild, when set, makes the test binary a worker on pushes that is there to be
// killed. It holds the folder of everything but the catalogue, whose address is in
// pushDatabase.
const (
	pushChild    = "POLYLENS_TEST_PUSH_CHILD"
	pushDatabase = "POLYLENS_TEST_PUSH_DATABASE"
)

// fleet is what the workers share.
type fleet struct {
	store *database.Store
	index *fakeIndex
	queue *jobs.Queue
	push  *Pushes
}

func openFleet(ctx context.Context, base, dsn string) (*fleet, error) {
	store, err := database.Open(ctx, dsn)
	if err != nil {
		return nil, err
	}
	index, err := openFakeIndex(filepath.Join(base, "index.jsonl"))
	if err != nil {
		return nil, err
	}
	blobs, err := blob.OpenFolder(filepath.Join(base, "pictures"))
	if err != nil {
		return nil, err
	}
	ix := New(store, &fakeEncoder{pause: 20 * time.Millisecond}, index, testDecoder, Options{Batch: 8})
	f := &fleet{store: store, index: index, push: NewPushes(NewDocuments(ix, blobs, Places{}), store.Jobs(nil), func(error) string { return "some-problem" })}
	f.queue, err = jobs.New(store.Jobs(nil), f.push.Kind())
	f.push.Connect(f.queue)
	return f, err
}

// workUntilKilled is the child.
func workUntilKilled(base string) error {
	ctx := context.Background()
	f, err := openFleet(ctx, base, os.Getenv(pushDatabase))
	if err != nil {
		return err
	}
	f.index.pause = 5 * time.Millisecond
	f.push.lease = 1500 * time.Millisecond
	jobs.NewWorker(f.queue, jobs.Settings{Lease: time.Second, Heartbeat: 200 * time.Millisecond, Poll: 100 * time.Millisecond}).Start(ctx)
	f.push.Help(ctx, slog.New(slog.DiscardHandler))
	return nil
}

// TestKilledWorkers: three workers share a push, one is killed again and again, and all
// lines are done once, in the order of their identities.
func TestKilledWorkers(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, dsn string) {
		base := t.TempDir()
		f, err := openFleet(t.Context(), base, dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer f.store.Close()
		lines, want := mixedLines(rand.New(rand.NewPCG(19, 3)), 4000, 900)
		job, err := f.push.Receive(t.Context(), "c", strings.NewReader(strings.Join(lines, "\n")))
		if err != nil {
			t.Fatal(err)
		}
		kills := killWorkers(t, f, base, dsn, job.ID)
		t.Logf("%d workers were killed", kills)
		if kills < 3 {
			t.Errorf("only %d workers were killed", kills)
		}
		f.wantAll(t, base, job.ID, len(lines), want)
	})
}

// TestKilledWorkersDiscardOriginals is TestKilledWorkers for a collection that keeps no
// originals, while a server collects what nobody needs: in the end each image has its
// thumbnail, and nothing has an original.
func TestKilledWorkersDiscardOriginals(t *testing.T) {
	base := t.TempDir()
	dsn := filepath.Join(base, "catalogue.db")
	f, err := openFleet(t.Context(), base, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer f.store.Close()
	if _, err := f.store.CreateCollectionWith(t.Context(), "c", 0, catalog.OriginalsDiscarded); err != nil {
		t.Fatal(err)
	}
	lines, want := mixedLines(rand.New(rand.NewPCG(19, 5)), 2000, 450)
	job, err := f.push.Receive(t.Context(), "c", strings.NewReader(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var collecting sync.WaitGroup
	collecting.Go(func() {
		for sleep(ctx, 50*time.Millisecond) == nil {
			if _, err := f.push.documents.Collect(ctx, time.Now()); err != nil && ctx.Err() == nil {
				t.Errorf("collect: %v", err)
			}
		}
	})
	kills := killWorkers(t, f, base, dsn, job.ID)
	stop()
	collecting.Wait()
	t.Logf("%d workers were killed", kills)
	if kills < 2 {
		t.Errorf("only %d workers were killed", kills)
	}
	f.wantAll(t, base, job.ID, len(lines), want)
	err = f.push.blobs.WalkContents(t.Context(), func(sum string, _ blob.File) error { t.Errorf("%s has an original", sum); return nil }, nil)
	if err != nil {
		t.Error(err)
	}
}

// killWorkers runs three workers and kills one now and then until a job has ended.
func killWorkers(t *testing.T, f *fleet, base, dsn, job string) (kills int) {
	t.Helper()
	random := rand.New(rand.NewPCG(19, 4))
	workers := make([]*exec.Cmd, 3)
	for i := range workers {
		workers[i] = startWorker(t, base, dsn)
	}
	stop := func(i int) {
		_ = workers[i].Process.Kill()
		_ = workers[i].Wait() // it was killed
	}
	defer func() {
		for i := range workers {
			stop(i)
		}
	}()
	for deadline := time.Now().Add(4 * time.Minute); time.Now().Before(deadline); {
		time.Sleep(time.Duration(100+random.IntN(600)) * time.Millisecond)
		now, err := f.queue.Get(t.Context(), job)
		if err != nil {
			t.Fatal(err)
		}
		if now.State.Finished() {
			if now.State != catalog.JobSucceeded {
				t.Fatalf("the job has %s: %s", now.State, now.Error)
			}
			return kills
		}
		i := random.IntN(len(workers))
		stop(i)
		kills++
		workers[i] = startWorker(t, base, dsn)
	}
	t.Fatal("the job does not end")
	return kills
}

func startWorker(t *testing.T, base, dsn string) *exec.Cmd {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), pushChild+"="+base, pushDatabase+"="+dsn)
	child.Stderr = os.Stderr
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	return child
}

// mixedLines are lines of every kind, and the metadata by identity of what they leave.
func mixedLines(random *rand.Rand, count, identities int) (lines []string, last map[string]string) {
	last = make(map[string]string)
	fields := make(map[string]map[string]any)
	for i := range count {
		id := fmt.Sprintf("id %d", random.IntN(identities))
		switch random.IntN(5) {
		case 0:
			lines = append(lines, fmt.Sprintf(`{"op":"delete","id":%q}`, id))
			delete(fields, id)
		case 1:
			lines = append(lines, fmt.Sprintf(`{"op":"patch","id":%q,"metadata":{"p":%d}}`, id, i))
			if fields[id] != nil {
				fields[id]["p"] = i
			}
		default:
			n := random.IntN(300)
			lines = append(lines, upsertLine(id, n))
			fields[id] = map[string]any{"n": n}
		}
	}
	for id, about := range fields {
		text, err := json.Marshal(about)
		if err != nil {
			panic(err) // numbers only
		}
		last[id] = string(text)
	}
	return lines, last
}

// wantAll checks that every line has its outcome, that the catalogue is what the lines
// leave, and that the index is what the catalogue says.
func (f *fleet) wantAll(t *testing.T, base, job string, lines int, want map[string]string) {
	t.Helper()
	counts, err := f.store.Jobs(nil).PushCounts(t.Context(), job)
	if err != nil || counts.Total != lines || counts.Done() != lines {
		t.Errorf("counts are %+v (%v)", counts, err)
	}
	if left, err := f.store.Jobs(nil).ChunksLeft(t.Context(), job); err != nil || left {
		t.Errorf("chunks are left: %t (%v)", left, err)
	}
	items, err := f.store.Jobs(nil).Items(t.Context(), job, catalog.ItemFilter{Limit: 2 * lines})
	if err != nil || len(items) != lines {
		t.Errorf("%d items, %v", len(items), err)
	}
	collection, err := f.store.Collection(t.Context(), "c")
	if err != nil || collection.Images != len(want) {
		t.Errorf("there are %d images (%v), want %d", collection.Images, err, len(want))
	}
	index, err := openFakeIndex(filepath.Join(base, "index.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer index.journal.Close()
	held := index.rows["c/f1"]
	if len(held) != len(want) {
		t.Errorf("the index holds %d rows, want %d", len(held), len(want))
	}
	for id, about := range want {
		image, err := f.store.Image(t.Context(), "c", id)
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		got, _ := catalog.MarshalMetadata(image.Metadata)
		indexed, _ := catalog.MarshalMetadata(held[image.ID].Metadata)
		if got != about || indexed != about {
			t.Errorf("%s has metadata %s, the index %s, want %s", id, got, indexed, about)
		}
		name, size := blob.ContentName(image.SHA256), image.Size
		if collection.Originals == catalog.OriginalsDiscarded {
			name, size = blob.ThumbnailName(image.SHA256), blob.MostThumbnail
		}
		if _, err := f.push.blobs.Read(t.Context(), name, size); err != nil {
			t.Errorf("%s: its file: %v", id, err)
		}
	}
	if err := errors.Join(f.index.journal.Close()); err != nil {
		t.Error(err)
	}
}
