package indexer

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/indexer/source"
)

// TestAddSource: what is chosen for the collection is chosen once, and whoever has the
// folder indexed, it is the source's last scan.
func TestAddSource(t *testing.T) {
	b := newBench(t, Options{})
	b.fill(t, 5)
	queue, _ := newJobs(t, b, 1)
	order := SourceOrder{Every: time.Hour, Events: true, Params: JobParams{
		Directory: b.folder, Metadata: catalog.NoMetadata, Rules: source.Rules{NoHidden: true}, Rehash: true, ConfirmRemoval: true,
	}}
	kept, err := queue.AddSource(t.Context(), "kept", order)
	if err != nil {
		t.Fatal(err)
	}
	var first, always JobParams
	if err := errors.Join(json.Unmarshal(kept.Last.Params, &first), json.Unmarshal(kept.Settings, &always)); err != nil {
		t.Fatal(err)
	}
	if first.Metadata != catalog.NoMetadata || !first.NoHidden || first.ConfirmRemoval || kept.Lead == "" {
		t.Errorf("the first scan: %+v", first)
	}
	if always.Metadata != "" || always.Rehash || always.ConfirmRemoval || !always.NoHidden || always.Directory != b.folder {
		t.Errorf("every scan: %+v", always)
	}
	if _, err := queue.AddSource(t.Context(), "kept", order); !errors.Is(err, catalog.ErrConflict) {
		t.Errorf("again: %v", err)
	}
	if _, err := queue.ScanSource(t.Context(), kept, kept.Last.ID, ScanChoice{}); !errors.Is(err, catalog.ErrConflict) {
		t.Errorf("a scan beside the first: %v", err)
	}
	job, err := queue.Index(t.Context(), "kept", JobParams{Directory: b.folder, ConfirmRemoval: true})
	if err != nil {
		t.Fatal(err)
	}
	if now, err := b.store.KeptSource(t.Context(), "kept", kept.ID); err != nil || now.Last.ID != job.ID {
		t.Errorf("after an index job of somebody: %+v, %v", now.Last, err)
	}
	for label, wrong := range map[string]SourceOrder{
		"no such folder":   {Every: time.Hour, Params: JobParams{Directory: b.folder + "/missing"}},
		"a short interval": {Every: time.Second, Params: JobParams{Directory: b.folder}},
		"bad rules":        {Every: time.Hour, Params: JobParams{Directory: b.folder, Rules: source.Rules{Exclude: []string{"[a"}}}},
	} {
		if _, err := queue.AddSource(t.Context(), "none", wrong); !errors.Is(err, catalog.ErrInvalid) {
			t.Errorf("%s: %v", label, err)
		}
	}
	if _, err := b.store.Collection(t.Context(), "none"); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("a refused source has made a collection: %v", err)
	}
}

// TestDeletedSourceIsNotScanned: an order that comes late does not make the collection
// again.
func TestDeletedSourceIsNotScanned(t *testing.T) {
	b := newBench(t, Options{})
	b.fill(t, 5)
	queue, _ := newJobs(t, b, 1)
	kept, err := queue.AddSource(t.Context(), "kept", SourceOrder{Every: time.Hour, Params: JobParams{Directory: b.folder}})
	if err != nil {
		t.Fatal(err)
	}
	if err := queue.DeleteCollection(t.Context(), "kept"); err != nil {
		t.Fatal(err)
	}
	if _, err := queue.ScanSource(t.Context(), kept, kept.Last.ID, ScanChoice{}); !errors.Is(err, catalog.ErrConflict) {
		t.Errorf("scanned: %v", err)
	}
	if all, err := b.store.KeptSources(t.Context(), ""); err != nil || len(all) != 0 {
		t.Errorf("left: %+v, %v", all, err)
	}
}
