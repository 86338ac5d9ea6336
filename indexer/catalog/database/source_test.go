package database

import (
	"testing"

	"github.com/pressly/goose/v3"
)

// TestGatesOfOlderSchema: a source from before they were kept has none, and keeps its
// rules on the way to the new schema and back.
func TestGatesOfOlderSchema(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		dialect := goose.DialectSQLite3
		if s.isPostgres() {
			dialect = goose.DialectPostgres
		}
		provider, err := goose.NewProvider(dialect, s.write, migrationFiles())
		if err != nil {
			t.Fatal(err)
		}
		mustCollection(t, s, "c")
		want := func(what, rules, gates string) {
			t.Helper()
			if got, err := s.Rules(t.Context(), "c", "file:///p"); err != nil || string(got) != rules {
				t.Errorf("%s: rules %q, %v", what, got, err)
			}
			if got, err := s.Gates(t.Context(), "c", "file:///p"); err != nil || string(got) != gates {
				t.Errorf("%s: gates %q, %v", what, got, err)
			}
		}
		want("at first", "", "")
		if err := s.SaveRules(t.Context(), "c", "file:///p", []byte("{}")); err != nil {
			t.Fatal(err)
		}
		want("walked", "{}", "")
		if err := s.SaveGates(t.Context(), "c", "file:///p", []byte(`{"a":1}`)); err != nil {
			t.Fatal(err)
		}
		if err := s.SaveRules(t.Context(), "c", "file:///p", []byte(`{"b":2}`)); err != nil {
			t.Fatal(err)
		}
		want("walked by other rules", `{"b":2}`, `{"a":1}`)
		if _, err := provider.DownTo(t.Context(), 8); err != nil {
			t.Fatal(err)
		}
		if _, err := provider.Up(t.Context()); err != nil {
			t.Fatal(err)
		}
		want("back and forth", `{"b":2}`, "")
		if err := s.DeleteCollection(t.Context(), "c"); err != nil {
			t.Fatal(err)
		}
		want("deleted", "", "")
	})
}
