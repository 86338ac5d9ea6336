package database

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"polylens/indexer/catalog"
)

func newKey(t *testing.T, s *Store, change func(*catalog.Key)) (catalog.Key, string) {
	t.Helper()
	key, text := catalog.Key{Name: "test", Scopes: []catalog.Scope{catalog.ScopeSearch}}, catalog.NewKeyText()
	key.SetText(text)
	if change != nil {
		change(&key)
	}
	kept, err := s.CreateKey(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return kept, text
}

func TestKeys(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		now := time.Now()
		s.now = func() time.Time { return now }
		if any, err := s.AnyKey(t.Context()); any || err != nil {
			t.Errorf("a new catalogue has keys: %t, %v", any, err)
		}
		first, text := newKey(t, s, func(k *catalog.Key) {
			k.Name, k.Collections, k.Rate, k.Burst = "Anna's „laptop“", []string{"a", "b"}, 2.5, 7
			k.Scopes, k.Expires, k.Creator = []catalog.Scope{catalog.ScopeIndex, catalog.ScopeSearch}, now.Add(time.Hour), "other"
		})
		now = now.Add(time.Second)
		second, _ := newKey(t, s, nil)
		got, err := s.Key(t.Context(), first.ID)
		if err != nil || !reflect.DeepEqual(got, first) || !got.IsText(text) || got.IsText(text+"x") {
			t.Errorf("kept as %+v, %v; want %+v", got, err, first)
		}
		if second.Collections != nil || !second.Allows("anything") {
			t.Errorf("a key for all collections came back as %+v", second)
		}
		all, err := s.Keys(t.Context())
		if err != nil || len(all) != 2 || all[0].ID != second.ID {
			t.Errorf("listed %+v, %v", all, err)
		}
		if _, err := s.CreateKey(t.Context(), first); !errors.Is(err, catalog.ErrConflict) {
			t.Errorf("the same ID again: %v", err)
		}
		if _, err := s.Key(t.Context(), "nothing"); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("an unknown key: %v", err)
		}
	})
}

// TestKeysAreNotKept: nothing in the catalogue tells a key.
func TestKeysAreNotKept(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		_, text := newKey(t, s, nil)
		secret := text[strings.LastIndex(text, "_")+1:]
		var row [5]string
		err := s.read.QueryRowContext(t.Context(), `SELECT id, name, hash, signing, scopes || collections || creator FROM api_keys`).
			Scan(&row[0], &row[1], &row[2], &row[3], &row[4])
		if err != nil {
			t.Fatal(err)
		}
		for _, column := range row {
			if strings.Contains(text, column) && column != row[0] || strings.Contains(column, secret) || strings.Contains(column, secret[:8]) {
				t.Errorf("%q tells of the key", column)
			}
		}
	})
}

func TestKeysEnd(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		now := time.Now()
		s.now = func() time.Time { return now }
		expiring, _ := newKey(t, s, func(k *catalog.Key) { k.Expires = now.Add(time.Minute) })
		now = now.Add(time.Minute)
		if any, err := s.AnyKey(t.Context()); any || err != nil || expiring.State(now) != "expired" {
			t.Errorf("an expired key counts: %t, %v", any, err)
		}
		key, _ := newKey(t, s, nil)
		if any, err := s.AnyKey(t.Context()); !any || err != nil {
			t.Errorf("no key counts: %v", err)
		}
		revoked, err := s.RevokeKey(t.Context(), key.ID)
		if err != nil || revoked.State(now) != "revoked" {
			t.Errorf("revoked is %+v, %v", revoked, err)
		}
		now = now.Add(time.Hour)
		again, err := s.RevokeKey(t.Context(), key.ID)
		if err != nil || !again.Revoked.Equal(revoked.Revoked) {
			t.Errorf("revoked again: %+v, %v", again, err)
		}
		if any, err := s.AnyKey(t.Context()); any || err != nil {
			t.Errorf("a revoked key counts: %t, %v", any, err)
		}
		if _, err := s.RevokeKey(t.Context(), "nothing"); !errors.Is(err, catalog.ErrNotFound) {
			t.Errorf("an unknown key: %v", err)
		}
	})
}

// TestUseIsNotedOnceAMinute: searches should not each write to the catalogue.
func TestUseIsNotedOnceAMinute(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		now := time.Now()
		s.now = func() time.Time { return now }
		key, _ := newKey(t, s, nil)
		begin := fromMillis(millis(now))
		for _, step := range []struct{ after, want time.Duration }{{0, 0}, {59 * time.Second, 0}, {time.Minute, time.Minute}} {
			now = begin.Add(step.after)
			if err := s.NoteKeyUsed(t.Context(), key.ID); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Key(t.Context(), key.ID); err != nil || !got.Used.Equal(begin.Add(step.want)) {
				t.Errorf("after %s used at %s, %v", step.after, got.Used, err)
			}
		}
	})
}

// TestKeysGoWithTheirCollection: a key that is limited to a collection is for it also
// under another name, and for whatever gets its old name no longer.
func TestKeysGoWithTheirCollection(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		if _, err := s.CreateCollection(t.Context(), "old", 0); err != nil {
			t.Fatal(err)
		}
		limited, _ := newKey(t, s, func(k *catalog.Key) { k.Collections = []string{"old", "other"} })
		other, _ := newKey(t, s, func(k *catalog.Key) { k.Collections = []string{"other"} })
		all, _ := newKey(t, s, nil)
		if _, err := s.RenameCollection(t.Context(), "old", "new"); err != nil {
			t.Fatal(err)
		}
		for id, want := range map[string][]string{limited.ID: {"new", "other"}, other.ID: {"other"}, all.ID: nil} {
			if got, err := s.Key(t.Context(), id); err != nil || !slices.Equal(got.Collections, want) || (got.Collections == nil) != (want == nil) {
				t.Errorf("got %+v, %v; want %v", got.Collections, err, want)
			}
		}
	})
}

// TestBrokenKeyIsNoKey: a list that cannot be read never stands for everything.
func TestBrokenKeyIsNoKey(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		key, _ := newKey(t, s, func(k *catalog.Key) { k.Collections = []string{"a"} })
		for _, column := range []string{"collections", "scopes", "hash", "signing"} {
			if _, err := s.write.ExecContext(t.Context(), `UPDATE api_keys SET `+column+` = '[zz'`); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Key(t.Context(), key.ID); err == nil {
				t.Errorf("broken %s gives %+v", column, got)
			}
		}
	})
}
