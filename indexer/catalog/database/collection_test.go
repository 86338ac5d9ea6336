package database

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"polylens/indexer/catalog"

	"github.com/pressly/goose/v3"
)

// TestMaxPatches: what is chosen for indexing and what searches use change
// independently.
func TestMaxPatches(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		ctx := t.Context()
		want := func(step string, chosen, searched int) {
			t.Helper()
			counted, err := s.Collection(ctx, "c")
			if err != nil {
				t.Fatal(err)
			}
			uncounted, err := s.UncountedCollection(ctx, "c")
			if err != nil || counted != uncounted { // it is empty
				t.Errorf("%s: %+v without counts, %+v with, %v", step, uncounted, counted, err)
			}
			if counted.MaxPatches != chosen || counted.SearchedMaxPatches != searched {
				t.Errorf("%s: %+v, want %d chosen and %d searched", step, counted, chosen, searched)
			}
		}
		if created, err := s.CreateCollection(ctx, "c", 576); err != nil || created.MaxPatches != 576 {
			t.Fatalf("%+v, %v", created, err)
		}
		want("created", 576, 0)
		if err := s.SetFingerprint(ctx, "c", model, 576); err != nil {
			t.Fatal(err)
		}
		want("indexed", 576, 576)
		for _, patches := range []int{64, 1024, 0} {
			if err := s.SetMaxPatches(ctx, "c", patches); err != nil {
				t.Fatal(err)
			}
			want("chosen again", patches, 576)
		}
		for _, patches := range []int{-1, 1, 63, 1025} {
			_, err := s.CreateCollection(ctx, "d", patches)
			for _, err := range []error{err, s.SetMaxPatches(ctx, "c", patches)} {
				if !errors.Is(err, catalog.ErrInvalid) || !strings.Contains(err.Error(), "64 to 1024") {
					t.Errorf("%d patches: got %v, want ErrInvalid with the rule", patches, err)
				}
			}
		}
		_, err := s.UncountedCollection(ctx, "d")
		for name, err := range map[string]error{"get": err, "set": s.SetMaxPatches(ctx, "d", 64)} {
			if !errors.Is(err, catalog.ErrNotFound) {
				t.Errorf("%s: got %v, want ErrNotFound", name, err)
			}
		}
	})
}

// TestCollectionsOfOlderSchema: a collection from before there was a choice
// leaves it to the model.
func TestCollectionsOfOlderSchema(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		dialect := goose.DialectSQLite3
		if s.isPostgres() {
			dialect = goose.DialectPostgres
		}
		provider, err := goose.NewProvider(dialect, s.write, migrationFiles())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := provider.DownTo(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if _, err := s.write.Exec(`INSERT INTO collections (name, fingerprint, created) VALUES ('old', 'f1', 1)`); err != nil {
			t.Fatal(err)
		}
		if _, err := provider.Up(t.Context()); err != nil {
			t.Fatal(err)
		}
		old, err := s.Collection(t.Context(), "old")
		if err != nil || old.Fingerprint != "f1" || old.MaxPatches != 0 || old.SearchedMaxPatches != 0 {
			t.Errorf("got %+v, %v", old, err)
		}
	})
}

// TestDeletingACollectionThatCannotBeEmptied: it stays, to be deleted again.
func TestDeletingACollectionThatCannotBeEmptied(t *testing.T) {
	s := opened(t, filepath.Join(t.TempDir(), "catalogue.db"))
	defer s.Close()
	collection, err := s.CreateCollection(t.Context(), "c", 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SaveImages(t.Context(), collection.ID, model, []catalog.Record{record("file:///p/a", "s1")}); err != nil {
		t.Fatal(err)
	}
	// An image may go with its collection, and in no other way.
	if _, err := s.write.Exec(`CREATE TRIGGER stays BEFORE DELETE ON images
		WHEN EXISTS (SELECT 1 FROM collections WHERE id = OLD.collection) BEGIN SELECT RAISE(ABORT, 'it stays'); END`); err != nil {
		t.Fatal(err)
	}
	if err := s.deleteInParts(t.Context(), collection.ID); err == nil || !strings.Contains(err.Error(), "it stays") {
		t.Errorf("got %v", err)
	}
	if left, err := s.Collection(t.Context(), "c"); err != nil || left.Images != 1 {
		t.Errorf("left is %+v, %v", left, err)
	}
	if err := s.DeleteCollection(t.Context(), collection.ID); err != nil {
		t.Errorf("again: %v", err)
	}
}
