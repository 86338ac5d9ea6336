package database

import (
	"errors"
	"maps"
	"testing"
	"time"

	"polylens/indexer/catalog"
)

func pushedRecord(id, sum string) catalog.Record {
	r := record(catalog.PushedURI(id), sum)
	r.Image.Source = catalog.PushedSource
	return r
}

// pushInto saves pushed images of a collection, whose originals it keeps or discards.
func pushInto(t *testing.T, s *Store, collection catalog.CollectionID, kept bool, records ...catalog.Record) {
	t.Helper()
	push := Push{Fingerprint: model, Discards: !kept}
	for _, r := range records {
		push.Items = append(push.Items, PushItem{Record: &r, Original: r.Image.SHA256})
	}
	if err := errors.Join(s.SavePush(t.Context(), collection, &push), s.SetFingerprint(t.Context(), collection, model, 0)); err != nil {
		t.Fatal(err)
	}
}

// TestOriginals: an original is needed as long as some collection keeps it, and expected
// until it was discarded.
func TestOriginals(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		if _, err := s.CreateCollectionWith(t.Context(), "x", 0, "some"); !errors.Is(err, catalog.ErrInvalid) {
			t.Errorf("bad originals: %v", err)
		}
		thrifty, err := s.CreateCollectionWith(t.Context(), "thrifty", 0, catalog.OriginalsDiscarded)
		if err != nil || thrifty.Originals != catalog.OriginalsDiscarded {
			t.Fatalf("created is %+v, %v", thrifty, err)
		}
		mustCollection(t, s, "c")
		if found, err := s.Collection(t.Context(), "c"); err != nil || found.Originals != catalog.OriginalsKept {
			t.Errorf("by itself it is %s, %v", found.Originals, err)
		}
		pushInto(t, s, "c", true, pushedRecord("a", "kept"), pushedRecord("b", "shared"))
		pushInto(t, s, thrifty.ID, false, pushedRecord("a", "thrifty"), pushedRecord("b", "shared"))
		sums := []string{"kept", "shared", "thrifty", "unknown"}
		want := func(when string, needed, expected, discarded []string) {
			t.Helper()
			for name, list := range map[string]struct {
				of   func() (map[string]bool, error)
				want []string
			}{
				"needed":    {func() (map[string]bool, error) { return s.NeededContents(t.Context(), sums, time.Now()) }, needed},
				"expected":  {func() (map[string]bool, error) { return s.ExpectedContents(t.Context(), sums) }, expected},
				"discarded": {func() (map[string]bool, error) { return s.DiscardedContents(t.Context(), sums) }, discarded},
			} {
				got, err := list.of()
				wanted := make(map[string]bool)
				for _, sum := range list.want {
					wanted[sum] = true
				}
				if err != nil || !maps.Equal(got, wanted) {
					t.Errorf("%s: %s are %v, %v; want %v", when, name, got, err, list.want)
				}
			}
		}
		want("at first", []string{"kept", "shared"}, []string{"kept", "shared"}, []string{"thrifty"})

		if err := s.SetOriginals(t.Context(), "c", catalog.OriginalsDiscarded); err != nil {
			t.Fatal(err)
		}
		if early, err := s.Discard(t.Context(), sums, time.Now().Add(-time.Hour)); err != nil || early["kept"] || early["shared"] {
			t.Errorf("soon after the choice are discarded %v, %v", early, err)
		}
		late := time.Now().Add(time.Hour)
		if err := s.DropVector(t.Context(), model, "kept"); err != nil {
			t.Fatal(err)
		}
		if gone, err := s.Discard(t.Context(), sums, late); err != nil || gone["kept"] || !gone["shared"] || !gone["unknown"] {
			t.Errorf("without a vector for one are discarded %v, %v", gone, err)
		}
		want("discarded", []string{"kept"}, []string{"kept"}, []string{"shared", "thrifty"})
		pushInto(t, s, "c", true, pushedRecord("b", "shared"))
		want("sent again", []string{"kept", "shared"}[:1], []string{"kept", "shared"}, []string{"thrifty"})

		if n, err := s.WithoutOriginal(t.Context(), thrifty.ID, "other model"); err != nil || n != 1 {
			t.Errorf("%d images cannot be encoded anew, %v", n, err)
		}
		if thumbnails, err := s.StoredThumbnails(t.Context(), thrifty.ID, "", 10); err != nil || len(thumbnails) != 1 || thumbnails[0].SHA256 != "thrifty" {
			t.Errorf("thumbnails are %v, %v", thumbnails, err)
		}
		err = errors.Join(s.DeleteCollection(t.Context(), thrifty.ID), s.ForgetDiscarded(t.Context()))
		if noted, failed := s.DiscardedContents(t.Context(), sums); errors.Join(err, failed) != nil || len(noted) > 0 {
			t.Errorf("noted of what is deleted are %v, %v, %v", noted, err, failed)
		}
	})
}
