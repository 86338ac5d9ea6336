package database

import (
	"testing"

	"polylens/indexer/catalog"
)

// TestFetched: what is known of where a picture came from counts as long as the image has
// that picture.
func TestFetched(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		mustCollection(t, s, "c")
		mustSave(t, s, record("push:a", "s1"))
		a := catalog.ImageID("c", "push:a")
		save := func(f catalog.Fetched) {
			if err := s.SavePush(t.Context(), "c", &Push{Items: []PushItem{{Fetched: &f}}}); err != nil {
				t.Fatal(err)
			}
		}
		wants := func(want catalog.Fetched, is bool) {
			t.Helper()
			if got, ok, err := s.Fetched(t.Context(), a); err != nil || ok != is || is && got != want {
				t.Errorf("got %+v, %t, %v", got, ok, err)
			}
		}
		first := catalog.Fetched{Image: a, URL: "u1", SHA256: "s1", Validators: `{"etag":"1"}`}
		wants(first, false)
		save(first)
		wants(first, true)
		renewed := catalog.Fetched{Image: a, URL: "u2", SHA256: "s1", Validators: `{"etag":"2"}`}
		save(renewed)
		wants(renewed, true)
		save(catalog.Fetched{Image: a, URL: "u3", SHA256: "another", Validators: `{}`}) // it was replaced meanwhile
		wants(renewed, true)
		save(catalog.Fetched{Image: "nothing", URL: "u", SHA256: "s1", Validators: `{}`}) // it was deleted meanwhile
		mustSave(t, s, record("push:a", "s2"))
		wants(renewed, false)
		if err := s.DeleteImages(t.Context(), []string{a}); err != nil {
			t.Fatal(err)
		}
		mustSave(t, s, record("push:a", "s1"))
		wants(renewed, false)
	})
}
