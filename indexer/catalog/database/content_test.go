package database

import (
	"errors"
	"testing"
	"time"

	"polylens/indexer/catalog"
)

// TestContentOutlivesItsImages: until its vectors are purged.
func TestContentOutlivesItsImages(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		mustCollection(t, s, "c")
		mustSave(t, s, record("file:///p/a", "s1"), record("file:///p/b", "s1"), record("file:///p/c", "s2"))
		want := catalog.Content{SHA256: "s1", Width: 4, Height: 5, Format: "png", Color: "#102030"}
		a, b, c := catalog.ImageID("c", "file:///p/a"), catalog.ImageID("c", "file:///p/b"), catalog.ImageID("c", "file:///p/c")
		contents, err := s.Contents(t.Context(), "c", []string{a, c, "unknown"})
		if err != nil || len(contents) != 2 || contents[a] != "s1" || contents[c] != "s2" {
			t.Errorf("contents: %v, %v", contents, err)
		}
		for _, remove := range []func() error{
			func() error { return nil },
			func() error { return s.DeleteImages(t.Context(), []string{a, b}) },
			func() error { return s.DeleteCollection(t.Context(), "c") },
		} {
			if err := remove(); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Content(t.Context(), "s1"); err != nil || got != want {
				t.Errorf("got %+v, %v", got, err)
			}
		}
		if _, err := s.Content(t.Context(), "s2"); err != nil {
			t.Errorf("of a deleted collection: %v", err)
		}
		if purged, err := s.PurgeVectors(t.Context()); err != nil || purged.Vectors != 2 {
			t.Errorf("purged %+v, %v", purged, err)
		}
		if _, err := s.Content(t.Context(), "s1"); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("after the purge: %v", err)
		}
	})
}

func TestNoteChanged(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		mustCollection(t, s, "c")
		mustSave(t, s, record("file:///p/a", "s1"))
		id := catalog.ImageID("c", "file:///p/a")
		if image, err := s.Image(t.Context(), "c", id); err != nil || !image.Changed.IsZero() {
			t.Errorf("unknown at first: %v, %v", image.Changed, err)
		}
		at := time.Unix(7, 9)
		if err := s.NoteChanged(t.Context(), map[string]int64{id: at.UnixNano(), "unknown": 1}); err != nil {
			t.Fatal(err)
		}
		image, err := s.Image(t.Context(), "c", id)
		states, stateErr := s.States(t.Context(), model, []string{id})
		if err := errors.Join(err, stateErr); err != nil || !image.Changed.Equal(at) || states[id].Changed != at.UnixNano() {
			t.Errorf("got %v, %+v, %v", image.Changed, states[id], err)
		}
	})
}
