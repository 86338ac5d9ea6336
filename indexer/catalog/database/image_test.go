package database

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/migrations"
)

const model = "f1"

func migrationFiles() fs.FS { return migrations.Files }

func mustCollection(t *testing.T, s *Store, name string) {
	t.Helper()
	if _, err := s.CreateCollection(t.Context(), name, 0); err != nil {
		t.Fatal(err)
	}
}

func record(uri, content string) catalog.Record {
	return catalog.Record{
		Image: catalog.Image{
			Source: "file:///p", URI: uri, SHA256: content, Size: 3, Modified: time.Unix(5, 7).UTC(),
			Width: 4, Height: 5, Format: "png", Color: "#102030",
			Metadata: map[string]any{"tags": []any{"red"}, "n": 1.5, "id": int64(1234567890123456789)},
			Captions: []catalog.Caption{{Language: "de", Text: "Hund"}, {Text: "NUL-free 🐕"}},
		},
		Vector: []float32{0.6, 0.8},
	}
}

func mustSave(t *testing.T, s *Store, records ...catalog.Record) {
	t.Helper()
	if err := s.SaveImages(t.Context(), "c", model, records); err != nil {
		t.Fatal(err)
	}
}

func TestCollections(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		mustCollection(t, s, "c")
		if _, err := s.CreateCollection(ctx, "c", 0); !errors.Is(err, catalog.ErrConflict) {
			t.Errorf("second create: got %v, want ErrConflict", err)
		}
		for _, bad := range []string{"", "A", "-a", "a b", "ä", strings.Repeat("a", 64)} {
			if _, err := s.CreateCollection(ctx, bad, 0); !errors.Is(err, catalog.ErrInvalid) || !strings.Contains(err.Error(), "1 to 63") {
				t.Errorf("name %q: got %v, want ErrInvalid with the rule", bad, err)
			}
		}
		mustSave(t, s, record("file:///p/a", "s1"))
		if err := s.SetFingerprint(ctx, "c", model, 0); err != nil {
			t.Fatal(err)
		}
		list, err := s.Collections(ctx)
		if err != nil || len(list) != 1 || list[0].Images != 1 || list[0].Fingerprint != model {
			t.Errorf("got %+v, %v", list, err)
		}
		if err := s.DeleteCollection(ctx, "c"); err != nil {
			t.Fatal(err)
		}
		for name, err := range map[string]error{
			"delete": s.DeleteCollection(ctx, "c"),
			"set":    s.SetFingerprint(ctx, "c", model, 0),
			"get":    func() error { _, err := s.Collection(ctx, "c"); return err }(),
			"image":  func() error { _, err := s.Image(ctx, "c", catalog.ImageID("c", "file:///p/a")); return err }(),
		} {
			if !errors.Is(err, catalog.ErrNotFound) {
				t.Errorf("%s: got %v, want ErrNotFound", name, err)
			}
		}
		if purged, err := s.PurgeVectors(ctx); purged.Vectors != 1 || err != nil {
			t.Errorf("purged %+v, %v; want one vector", purged, err)
		}
	})
}

// TestPurgeVectors keeps the vectors of images whose model has rows in an index.
func TestPurgeVectors(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		mustCollection(t, s, "c")
		a, b := record("file:///p/a", "s1"), record("file:///p/b", "s2")
		for _, fingerprint := range []string{model, "searched", "indexed"} {
			if err := s.SaveImages(ctx, "c", fingerprint, []catalog.Record{a, b}); err != nil {
				t.Fatal(err)
			}
		}
		row := []catalog.IndexRow{{ID: catalog.ImageID("c", a.Image.URI), Digest: "d"}}
		_, err := s.MarkIndexed(ctx, "c", "indexed", row)
		if err := errors.Join(s.SetFingerprint(ctx, "c", "searched", 0), err); err != nil {
			t.Fatal(err)
		}
		if purged, err := s.PurgeVectors(ctx); purged != (catalog.Purged{Vectors: 2, Bytes: 8}) || err != nil {
			t.Errorf("purged %+v, %v; want two vectors of eight bytes", purged, err)
		}
		for fingerprint, want := range map[string]int{model: 0, "searched": 2, "indexed": 2} {
			if left, err := s.Vectors(ctx, fingerprint, []string{"s1", "s2"}); len(left) != want || err != nil {
				t.Errorf("%s has %d vectors, %v; want %d", fingerprint, len(left), err, want)
			}
		}
		if err := s.Compact(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestSaveAndReadImage(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		mustCollection(t, s, "c")
		want := record("file:///p/a%20b", "s1")
		mustSave(t, s, want)
		id := catalog.ImageID("c", want.Image.URI)
		got, err := s.Image(ctx, "c", id)
		if err != nil {
			t.Fatal(err)
		}
		want.Image.ID, want.Image.Collection = id, "c"
		want.Image.Created, want.Image.Updated = got.Created, got.Updated
		if !reflect.DeepEqual(got, want.Image) {
			t.Errorf("got %+v\nwant %+v", got, want.Image)
		}
		want.Image.Captions = []catalog.Caption{{Language: "fr", Text: "chien"}}
		mustSave(t, s, want)
		byID, err := s.Images(ctx, "c", []string{id, "unknown"})
		if err != nil || len(byID) != 1 || !reflect.DeepEqual(byID[id].Captions, want.Image.Captions) {
			t.Errorf("after replacing: got %+v, %v", byID, err)
		}
		if other, err := s.Images(ctx, "other", []string{id}); err != nil || len(other) != 0 {
			t.Errorf("another collection gave %v, %v", other, err)
		}
		vector, err := s.Vector(ctx, "c", id, model)
		if err != nil || !slices.Equal(vector, Round(want.Vector)) {
			t.Errorf("vector %v, %v; want %v", vector, err, Round(want.Vector))
		}
		if _, err := s.Vector(ctx, "c", id, "f2"); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("unknown model: got %v, want ErrNotFound", err)
		}
		if same, err := s.Content(ctx, "s1"); err != nil || same.Format != want.Image.Format {
			t.Errorf("by content: got %v, %v", same, err)
		}
	})
}

func TestSaveImagesIsOneTransaction(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		mustCollection(t, s, "c")
		bad := record("file:///p/b", "s2")
		bad.Vector = nil
		err := s.SaveImages(t.Context(), "c", model, []catalog.Record{record("file:///p/a", "s1"), bad})
		if !errors.Is(err, catalog.ErrInvalid) || !strings.Contains(err.Error(), "file:///p/b") {
			t.Errorf("got %v, want ErrInvalid that names the image", err)
		}
		if c, err := s.Collection(t.Context(), "c"); err != nil || c.Images != 0 {
			t.Errorf("half a batch was saved: %+v, %v", c, err)
		}
	})
}

func TestListImages(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		mustCollection(t, s, "c")
		var want []string
		for i := range 7 {
			want = append(want, fmt.Sprintf("file:///p/%d", i))
			mustSave(t, s, record(want[i], "s1"))
		}
		var got []string
		cursor := ""
		for {
			page, next, err := s.ListImages(t.Context(), "c", cursor, 3)
			if err != nil {
				t.Fatal(err)
			}
			for _, image := range page {
				got = append(got, image.URI)
			}
			if cursor = next; next == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		for _, bad := range []string{"!", "_w", "AA"} { // no base64, no UTF-8, a zero character
			if _, _, err := s.ListImages(t.Context(), "c", bad, 3); !errors.Is(err, catalog.ErrInvalid) {
				t.Errorf("bad cursor %q: got %v, want ErrInvalid", bad, err)
			}
			if _, _, err := s.ListFailures(t.Context(), "c", bad, 3); !errors.Is(err, catalog.ErrInvalid) {
				t.Errorf("bad cursor %q of failures: got %v, want ErrInvalid", bad, err)
			}
		}
		if _, _, err := s.ListImages(t.Context(), "c", "", 0); !errors.Is(err, catalog.ErrInvalid) {
			t.Errorf("limit 0: got %v, want ErrInvalid", err)
		}
	})
}

func TestWatermark(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		mustCollection(t, s, "c")
		a, b := record("file:///p/a", "s1"), record("file:///p/b", "s2")
		mustSave(t, s, a, b)
		pending, err := s.Pending(ctx, "c", model, "", 10)
		if err != nil || len(pending) != 2 {
			t.Fatalf("got %d pending, %v; want 2", len(pending), err)
		}
		if _, err := s.MarkIndexed(ctx, "c", model, pending); err != nil {
			t.Fatal(err)
		}
		wantPending := func(step string, want int) {
			t.Helper()
			if got, err := s.Pending(ctx, "c", model, "", 10); err != nil || len(got) != want {
				t.Errorf("%s: %d pending, %v; want %d", step, len(got), err, want)
			}
		}
		wantPending("after marking", 0)
		a.Image.Modified = time.Unix(9, 9)
		mustSave(t, s, a)
		wantPending("after touching", 0)
		a.Image.Metadata = map[string]any{"n": 2.0}
		mustSave(t, s, a)
		wantPending("after new metadata", 1)
		id := catalog.ImageID("c", a.Image.URI)
		states, err := s.States(ctx, model, []string{id, "unknown"})
		if err != nil || len(states) != 1 || !states[id].Encoded || states[id].Indexed {
			t.Errorf("states: got %+v, %v", states, err)
		}
		if one, err := s.PendingOf(ctx, "c", model, []string{id, catalog.ImageID("c", b.Image.URI)}); err != nil || len(one) != 1 || one[0].ID != id {
			t.Errorf("pending of two: got %+v, %v", one, err)
		}
		if err := s.ForgetIndexed(ctx, "c", model); err != nil {
			t.Fatal(err)
		}
		wantPending("after forgetting", 2)
		if ids, err := s.IndexableIDs(ctx, "c", model); err != nil || len(ids) != 2 {
			t.Errorf("indexable: got %v, %v", ids, err)
		}
	})
}

func TestTombstones(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		mustCollection(t, s, "c")
		a, b := record("file:///p/a", "s1"), record("file:///p/b", "s2")
		mustSave(t, s, a, b)
		idA, idB := catalog.ImageID("c", a.Image.URI), catalog.ImageID("c", b.Image.URI)
		// Only b was acknowledged; a may be in the index all the same.
		if _, err := s.MarkIndexed(ctx, "c", model, []catalog.IndexRow{{ID: idB, Digest: "d"}}); err != nil {
			t.Fatal(err)
		}
		if err := s.DeleteImages(ctx, []string{idA, idB, "unknown"}); err != nil {
			t.Fatal(err)
		}
		want := []string{idA, idB}
		slices.Sort(want)
		if got, err := s.Tombstones(ctx, "c", model, 10); err != nil || !slices.Equal(got, want) {
			t.Errorf("got %v, %v; want %v", got, err, want)
		}
		// a comes back and is indexed before the old tombstone is cleared.
		mustSave(t, s, a)
		if _, err := s.MarkIndexed(ctx, "c", model, []catalog.IndexRow{{ID: idA, Digest: "d"}}); err != nil {
			t.Fatal(err)
		}
		if err := s.ClearTombstones(ctx, "c", model, want); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Tombstones(ctx, "c", model, 10); err != nil || len(got) != 0 {
			t.Errorf("after clearing: got %v, %v", got, err)
		}
		if got, err := s.Pending(ctx, "c", model, "", 10); err != nil || len(got) != 1 {
			t.Errorf("an image that came back is not pending: %v, %v", got, err)
		}
		// b is acknowledged only now.
		gone, err := s.MarkIndexed(ctx, "c", model, []catalog.IndexRow{{ID: idA, Digest: "d"}, {ID: idB, Digest: "d"}})
		if err != nil || !slices.Equal(gone, []string{idB}) {
			t.Errorf("gone are %v (%v), want %s", gone, err, idB)
		}
		if got, err := s.TombstonesOf(ctx, "c", model, want); err != nil || !slices.Equal(got, []string{idB}) {
			t.Errorf("after a late acknowledgement: got %v, %v; want %s", got, err, idB)
		}
	})
}

func TestSourceImagesAndFailures(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		mustCollection(t, s, "c")
		failures := []catalog.Failure{
			{URI: "file:///p/a", Source: "file:///p", Kind: catalog.FailurePicture, Reason: "truncated", Size: 3, Modified: time.Unix(1, 2).UTC()},
			{URI: "file:///p/b.json", Source: "file:///p", Kind: catalog.FailureSidecar, Reason: "no JSON"},
		}
		if err := s.SaveFailures(ctx, "c", failures); err != nil {
			t.Fatal(err)
		}
		found, err := s.FailuresOf(ctx, "c", []string{"file:///p/a", "x"})
		if err != nil || len(found) != 1 || found["file:///p/a"].Modified != failures[0].Modified {
			t.Errorf("got %+v, %v", found, err)
		}
		mustSave(t, s, record("file:///p/a", "s1")) // now readable
		if left, err := s.Failures(ctx, "c", "", 10); err != nil || len(left) != 1 || left[0].Kind != catalog.FailureSidecar {
			t.Errorf("left %+v, %v; want the sidecar", left, err)
		}
		if err := s.PruneFailures(ctx, "c", "file:///p", func(string) bool { return false }); err != nil {
			t.Fatal(err)
		}
		if left, err := s.Failures(ctx, "c", "", 10); err != nil || len(left) != 0 {
			t.Errorf("left %+v, %v; want none", left, err)
		}
		if sources, err := s.Sources(ctx, "c"); err != nil || len(sources) != 1 || sources[0] != "file:///p" {
			t.Errorf("sources %v, %v", sources, err)
		}
		var uris []string
		err = s.SourceImages(ctx, "c", "file:///p", func(id, uri string) error {
			uris = append(uris, uri)
			return nil
		})
		if err != nil || !slices.Equal(uris, []string{"file:///p/a"}) {
			t.Errorf("got %v, %v", uris, err)
		}
	})
}
