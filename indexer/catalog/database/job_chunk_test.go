package database_test

import (
	"errors"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/catalog/database"
	"polylens/indexer/catalog/database/databasetest"
)

// chunkBench has a running job with chunks, and a clock.
type chunkBench struct {
	*database.Jobs
	store *database.Store
	now   time.Time
	job   catalog.Job
}

func newChunkBench(t *testing.T, dsn string, chunks ...catalog.Chunk) *chunkBench {
	t.Helper()
	store, err := database.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	b := &chunkBench{store: store, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	b.Jobs = store.Jobs(func() time.Time { return b.now })
	jobs, err := b.Insert(t.Context(), []catalog.Job{{ID: "j", Kind: "push", Collection: "c", State: catalog.JobQueued, Params: []byte("{}"), Progress: []byte("{}")}})
	if err != nil {
		t.Fatal(err)
	}
	claimed, err := b.Claim(t.Context(), catalog.JobClaim{Room: map[string]int{"push": 1}, Most: 1, Lease: time.Hour})
	if err != nil || len(claimed) != 1 {
		t.Fatal(claimed, err)
	}
	b.job = jobs[0]
	for i := range chunks {
		chunks[i].Job = "j"
	}
	for range 2 { // the second time changes nothing
		if err := b.AddChunks(t.Context(), chunks); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// claim wants a chunk with a number, or none for a negative one.
func (b *chunkBench) claim(t *testing.T, want int) catalog.Chunk {
	t.Helper()
	chunk, found, err := b.ClaimChunk(t.Context(), "j", 15*time.Second)
	if err != nil || found != (want >= 0) || found && chunk.Number != want {
		t.Fatalf("claimed %+v (%t, %v), want %d", chunk, found, err, want)
	}
	return chunk
}

// TestChunkLanes: the chunks of a lane go one after the other, lanes beside each other.
func TestChunkLanes(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, dsn string) {
		b := newChunkBench(t, dsn, catalog.Chunk{Number: 0, Lane: 1, Items: 2}, catalog.Chunk{Number: 1, Lane: 1, Items: 3}, catalog.Chunk{Number: 2, Lane: 2, Items: 4})
		first := b.claim(t, 0)
		b.claim(t, 2)
		b.claim(t, -1)
		if err := b.FinishChunk(t.Context(), first, catalog.PushCounts{Created: 1, Failed: 1}); err != nil {
			t.Fatal(err)
		}
		second := b.claim(t, 1)
		if err := b.HandBackChunk(t.Context(), second); err != nil {
			t.Fatal(err)
		}
		b.claim(t, 1)
		counts, err := b.PushCounts(t.Context(), "j")
		if want := (catalog.PushCounts{Total: 9, Created: 1, Failed: 1}); err != nil || counts != want {
			t.Errorf("counts are %+v (%v)", counts, err)
		}
		if left, err := b.ChunksLeft(t.Context(), "j"); err != nil || !left {
			t.Errorf("chunks are left: %t (%v)", left, err)
		}
	})
}

// TestChunkFence: a worker that was silent for too long changes nothing any more.
func TestChunkFence(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, dsn string) {
		b := newChunkBench(t, dsn, catalog.Chunk{Items: 1, First: 1, Last: 1})
		collection, err := b.store.CreateCollection(t.Context(), "c", 0)
		if err != nil {
			t.Fatal(err)
		}
		late := b.claim(t, 0)
		b.now = b.now.Add(14 * time.Second)
		if err := b.RenewChunk(t.Context(), late, 15*time.Second); err != nil {
			t.Fatal(err)
		}
		b.now = b.now.Add(14 * time.Second)
		b.claim(t, -1)
		b.now = b.now.Add(2 * time.Second)
		next := b.claim(t, 0)
		if next.Losses != 1 {
			t.Errorf("%d losses", next.Losses)
		}
		record := catalog.Record{Image: catalog.Image{Source: catalog.PushedSource, URI: catalog.PushedURI("a"), SHA256: "00", Format: "png"}, Vector: []float32{1, 0}}
		push := func(chunk catalog.Chunk) *database.Push {
			result := catalog.ItemResult{Number: 1, ID: "a", Operation: catalog.OperationUpsert, Outcome: catalog.OutcomeCreated}
			return &database.Push{Chunk: &chunk, Fingerprint: "f", Items: []database.PushItem{{ItemResult: result, Record: &record}}}
		}
		for name, err := range map[string]error{
			"save": b.store.SavePush(t.Context(), collection.ID, push(late)), "renew": b.RenewChunk(t.Context(), late, time.Second),
			"finish": b.FinishChunk(t.Context(), late, catalog.PushCounts{}),
		} {
			if !errors.Is(err, catalog.ErrLeaseLost) {
				t.Errorf("%s: got %v", name, err)
			}
		}
		if images, _, err := b.store.ListImages(t.Context(), "c", "", 10); err != nil || len(images) != 0 {
			t.Errorf("the late worker has saved %v (%v)", images, err)
		}
		if err := errors.Join(b.HandBackChunk(t.Context(), late), b.store.SavePush(t.Context(), collection.ID, push(next)), b.FinishChunk(t.Context(), next, catalog.PushCounts{Created: 1})); err != nil {
			t.Error(err)
		}
		if outcomes, err := b.Results(t.Context(), "j", 1, 1); err != nil || outcomes[1].Outcome != catalog.OutcomeCreated {
			t.Errorf("outcomes are %v (%v)", outcomes, err)
		}
		b.claim(t, -1)
		if left, err := b.ChunksLeft(t.Context(), "j"); err != nil || left {
			t.Errorf("chunks are left: %t (%v)", left, err)
		}
	})
}

// TestChunkHandedBack: the losses of a chunk are what its worker says of them when it gives
// the chunk back.
func TestChunkHandedBack(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, dsn string) {
		b := newChunkBench(t, dsn, catalog.Chunk{Items: 1})
		b.claim(t, 0)
		b.now = b.now.Add(time.Minute)
		held := b.claim(t, 0)
		held.Losses += 2
		if err := b.HandBackChunk(t.Context(), held); err != nil {
			t.Fatal(err)
		}
		if again := b.claim(t, 0); again.Losses != 3 {
			t.Errorf("%d losses, want 3", again.Losses)
		}
		if lost, err := b.WorkersLost(t.Context(), "j"); err != nil || !lost {
			t.Errorf("workers were lost: %t (%v)", lost, err)
		}
	})
}

// TestPatchOfReplaced: a change of an image that was replaced meanwhile fails alone.
func TestPatchOfReplaced(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, dsn string) {
		b := newChunkBench(t, dsn, catalog.Chunk{Items: 2, First: 1, Last: 2})
		collection, err := b.store.CreateCollection(t.Context(), "c", 0)
		if err != nil {
			t.Fatal(err)
		}
		chunk := b.claim(t, 0)
		image := func(id, sha256 string) catalog.Image {
			uri := catalog.PushedURI(id)
			return catalog.Image{ID: catalog.ImageID(collection.ID, uri), Source: catalog.PushedSource, URI: uri, SHA256: sha256, Format: "png"}
		}
		save := func(items ...database.PushItem) {
			t.Helper()
			explain := func(err error) (string, string) { return "conflict", err.Error() }
			if err := b.store.SavePush(t.Context(), collection.ID, &database.Push{Chunk: &chunk, Fingerprint: "f", Items: items, Explain: explain}); err != nil {
				t.Fatal(err)
			}
		}
		record := func(id, sha256 string) *catalog.Record {
			return &catalog.Record{Image: image(id, sha256), Vector: []float32{1, 0}}
		}
		save(database.PushItem{ItemResult: catalog.ItemResult{Number: 1, ID: "a", Outcome: catalog.OutcomeCreated}, Record: record("a", "01")})
		stale := image("a", "00")
		save(database.PushItem{ItemResult: catalog.ItemResult{Number: 2, ID: "a", Outcome: catalog.OutcomeUpdated}, Changed: &stale},
			database.PushItem{ItemResult: catalog.ItemResult{Number: 3, ID: "b", Outcome: catalog.OutcomeCreated}, Record: record("b", "02")})
		items, err := b.Items(t.Context(), "j", catalog.ItemFilter{Limit: 10})
		if err != nil || len(items) != 3 {
			t.Fatalf("items are %v (%v)", items, err)
		}
		if items[1].Outcome != catalog.OutcomeFailed || items[1].Problem != "conflict" || items[2].Outcome != catalog.OutcomeCreated {
			t.Errorf("items are %+v", items)
		}
	})
}

// TestChunkOfStoppedJob: nobody begins a chunk of a job that is to end.
func TestChunkOfStoppedJob(t *testing.T) {
	databasetest.Each(t, func(t *testing.T, dsn string) {
		b := newChunkBench(t, dsn, catalog.Chunk{Items: 1})
		if _, err := b.Change(t.Context(), "j", func(job *catalog.Job, _ time.Time) error { job.Wanted = catalog.JobPaused; return nil }); err != nil {
			t.Fatal(err)
		}
		b.claim(t, -1)
	})
}
