package database

import (
	"fmt"
	"testing"
)

func TestMetadataWith(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		mustCollection(t, s, "c")
		for i, about := range []map[string]any{
			{"artist": "Müller", "nested": map[string]any{"b": 1.0, "größe": 2.0}}, {"Artist": `"artist":`, "R&D": 1.0}, {"list": []any{map[string]any{"b": "artist"}}}, nil,
		} {
			saved := record(fmt.Sprintf("file:///p/%d", i), "s")
			saved.Image.Metadata = about
			mustSave(t, s, saved)
		}
		for _, test := range []struct {
			keys  []string
			limit int
			want  int
			all   bool
		}{
			{nil, 4, 4, true}, {nil, 3, 3, false}, {[]string{"artist"}, 10, 1, true}, {[]string{"Artist"}, 10, 1, true}, {[]string{"ARTIST"}, 10, 0, true},
			{[]string{"b"}, 10, 2, true}, {[]string{"b"}, 1, 1, false}, {[]string{"größe"}, 10, 1, true}, {[]string{"R&D"}, 10, 1, true}, {[]string{"b", "nested"}, 10, 1, true},
			{[]string{"_rtist"}, 10, 0, true}, {[]string{"%"}, 10, 0, true}, {[]string{`"`}, 10, 0, true},
		} {
			found, all, err := s.MetadataWith(t.Context(), "c", test.keys, test.limit)
			if err != nil || len(found) != test.want || all != test.all {
				t.Errorf("%q, at most %d: %v, %v, %v", test.keys, test.limit, found, all, err)
			}
		}
		if found, all, err := s.MetadataWith(t.Context(), "other", nil, 10); err != nil || len(found) != 0 || !all {
			t.Errorf("another collection: %v, %v, %v", found, all, err)
		}
	})
}
