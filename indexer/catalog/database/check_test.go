package database

import (
	"database/sql"
	"math"
	"slices"
	"strings"
	"testing"

	"polylens/indexer/catalog"
)

// TestFaultsOfVectors: a vector is a row of finite numbers of unit length, as many as all
// others have.
func TestFaultsOfVectors(t *testing.T) {
	good := []float32{0.6, 0.8, 0, 0}
	for name, test := range map[string]struct {
		data    []byte
		numbers int
		words   string
	}{
		"good":                 {encodeHalf(good), 4, ""},
		"rounded":              {encodeHalf([]float32{0.5773, 0.5773, 0.5773, 0}), 4, ""},
		"not a number":         {encodeHalf([]float32{0.6, 0.8, float32(math.NaN()), 0}), 4, "no number"},
		"infinite":             {encodeHalf([]float32{0.6, 0.8, float32(math.Inf(-1)), 0}), 4, "no number"},
		"zeros":                {make([]byte, 8), 4, "length is 0"},
		"long":                 {encodeHalf([]float32{3, 4, 0, 0}), 4, "length is 5"},
		"a little too short":   {encodeHalf([]float32{0.58, 0.78, 0, 0}), 4, "length is"},
		"too few":              {encodeHalf(good[:2]), 2, "4 numbers take 8"},
		"fewer than said":      {encodeHalf(good[:2]), 4, "it has 4 bytes"},
		"more than said":       {encodeHalf(good), 2, "it has 8 bytes"},
		"half a number behind": {append(encodeHalf(good), 0), 4, "it has 9 bytes"},
		"nothing":              {nil, 0, "it has 0 bytes"},
	} {
		if fault := faultOf(test.data, test.numbers, 4); (fault == "") != (test.words == "") || !strings.Contains(fault, test.words) {
			t.Errorf("%s: %q, want %q", name, fault, test.words)
		}
	}
}

// TestStored: what a check reads says what stands there, and mends it.
func TestStored(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		mustCollection(t, s, "c")
		sent := record(catalog.PushedURI("a"), "s3")
		sent.Image.Source = catalog.PushedSource
		mustSave(t, s, record("file:///p/a", "s1"), record("file:///p/b", "s2"), sent)
		read := func() map[string]catalog.StoredImage {
			all := make(map[string]catalog.StoredImage)
			for after := ""; ; {
				page, err := s.StoredImages(t.Context(), "c", model, 2, after, 2)
				if err != nil {
					t.Fatal(err)
				}
				if len(page) == 0 {
					return all
				}
				for _, image := range page {
					all[image.URI] = image
				}
				after = page[len(page)-1].ID
			}
		}
		all := read()
		for uri, image := range all {
			if !image.HasVector || image.VectorFault != "" || len(image.Captions) != 2 || image.DigestOf(image.Metadata) != image.Digest {
				t.Errorf("%s: %+v", uri, image)
			}
		}
		if dimension, err := s.VectorDimension(t.Context(), model); len(all) != 3 || dimension != 2 || err != nil {
			t.Errorf("%d images with vectors of %d numbers, %v", len(all), dimension, err)
		}
		if err := s.DropVector(t.Context(), model, "s1"); err != nil {
			t.Fatal(err)
		}
		if err := s.MendImage(t.Context(), all["file:///p/b"], "{}", all["file:///p/b"].DigestOf("{}")); err != nil {
			t.Fatal(err)
		}
		if err := s.MendImage(t.Context(), all["file:///p/b"], `{"late":1}`, "x"); err != nil { // it is another by now
			t.Fatal(err)
		}
		now := read()
		if a, b := now["file:///p/a"], now["file:///p/b"]; a.HasVector || b.Metadata != "{}" || b.Digest != b.DigestOf("{}") {
			t.Errorf("changed to %+v and %+v", a, b)
		}
		if err := s.ReplaceVector(t.Context(), model, "s1", []float32{0, 1}); err != nil {
			t.Fatal(err)
		}
		vector, err := s.Vector(t.Context(), "c", catalog.ImageID("c", "file:///p/a"), model)
		if err != nil || !slices.Equal(vector, []float32{0, 1}) {
			t.Errorf("the vector is %v, %v", vector, err)
		}
		checkStoredContents(t, s)
		checkIndexedRows(t, s)
	})
}

func checkStoredContents(t *testing.T, s *Store) {
	t.Helper()
	want := []catalog.StoredContent{{SHA256: "s3", Size: 3, Images: 1, URI: "push:a"}}
	for _, collection := range []catalog.CollectionID{"c", ""} {
		if got, err := s.StoredContents(t.Context(), collection, "", 10); err != nil || !slices.Equal(got, want) {
			t.Errorf("contents of %q: %+v, %v", collection, got, err)
		}
	}
	for collection, after := range map[catalog.CollectionID]string{"other": "", "c": "s3"} {
		if got, err := s.StoredContents(t.Context(), collection, after, 10); err != nil || len(got) > 0 {
			t.Errorf("contents of %q after %q: %+v, %v", collection, after, got, err)
		}
	}
	used, err := s.UsedContents(t.Context(), []string{"s1", "s3", "s9"})
	if err != nil || len(used) != 2 || !used["s1"] || !used["s3"] {
		t.Errorf("used are %v, %v", used, err)
	}
}

// checkIndexedRows: only rows that the index has as they are now, and that are whole.
func checkIndexedRows(t *testing.T, s *Store) {
	t.Helper()
	if rows, last, err := s.IndexedRows(t.Context(), "c", model, "", 10); err != nil || len(rows) > 0 || last != "" {
		t.Errorf("before: %+v, %q, %v", rows, last, err)
	}
	pending, err := s.Pending(t.Context(), "c", model, "", 10)
	if err == nil {
		_, err = s.MarkIndexed(t.Context(), "c", model, pending)
	}
	if err != nil || len(pending) != 3 {
		t.Fatalf("%d rows, %v", len(pending), err)
	}
	rows, last, err := s.IndexedRows(t.Context(), "c", model, "", 2)
	if err != nil || len(rows) != 2 || last != rows[1].ID || !slices.Equal(rows[0].Vector, pending[0].Vector) {
		t.Errorf("%+v, %q, %v", rows, last, err)
	}
	if _, err := s.exec(t.Context(), `UPDATE images SET metadata = '{' WHERE id = $1`, pending[0].ID); err != nil {
		t.Fatal(err)
	}
	rows, last, err = s.IndexedRows(t.Context(), "c", model, "", 1)
	if err != nil || len(rows) != 0 || last != pending[0].ID {
		t.Errorf("a row with damaged metadata: %+v, %q, %v", rows, last, err)
	}
	rows, err = s.IndexedRowsOf(t.Context(), "c", model, []string{pending[2].ID, "unknown"})
	if err != nil || len(rows) != 1 || rows[0].ID != pending[2].ID {
		t.Errorf("of some: %+v, %v", rows, err)
	}
}

// TestWhatChecksFind: counts of pushes, chunks that are to be done, what nothing uses, and
// rows that belong to nothing, which only SQLite lets others make.
func TestWhatChecksFind(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *Store) {
		do := func(statement string, args ...any) {
			t.Helper()
			if _, err := s.exec(t.Context(), statement, args...); err != nil {
				t.Fatal(err)
			}
		}
		job := func(id, state string) {
			do(`INSERT INTO jobs (id, kind, collection, state, wanted, priority, exclusive, params, progress, error, failures, losses, lease, expires,
				run_after, created, started, finished, sequence) VALUES ($1, 'push', 'c', $2, '', 0, '', '{}', '{}', '', 0, 0, '', 0, 0, 1, 1, 0, 1)`, id, state)
		}
		chunk := func(id string, number int, state string, created int) {
			do(`INSERT INTO job_chunks (job, number, lane, items, first, last, content, state, lease, expires, losses, created)
				VALUES ($1, $2, 0, 2, 1, 2, 'x', $3, '', 0, 0, $4)`, id, number, state, created)
		}
		item := func(id string, number int) {
			do(`INSERT INTO job_items (job, number, item, operation, outcome, problem, detail) VALUES ($1, $2, '', 'upsert', 'created', '', '')`, id, number)
		}
		job("right", "succeeded")
		chunk("right", 1, "succeeded", 2)
		item("right", 1)
		item("right", 2)
		job("few", "succeeded")
		chunk("few", 1, "succeeded", 2)
		item("few", 1)
		job("other", "failed")
		chunk("other", 1, "succeeded", 1)
		item("other", 1)
		item("other", 2)
		job("open", "queued")
		chunk("open", 1, "succeeded", 9)
		chunk("open", 2, "queued", 0)
		job("over", "canceled")
		chunk("over", 1, "queued", 0)
		if got, err := s.MiscountedPushes(t.Context()); err != nil || !slices.Equal(got, []string{"few", "other"}) {
			t.Errorf("miscounted are %v, %v", got, err)
		}
		open, err := s.OpenChunks(t.Context())
		if err != nil || !slices.Equal(open, []catalog.ChunkPlace{{Job: "open", Number: 2, Content: "x"}}) {
			t.Errorf("open are %v, %v", open, err)
		}
		for place, want := range map[catalog.ChunkPlace]bool{{Job: "open", Number: 2}: true, {Job: "open", Number: 1}: false, {Job: "over", Number: 1}: false} {
			if is, err := s.IsOpenChunk(t.Context(), place); is != want || err != nil {
				t.Errorf("%v is open: %v, %v", place, is, err)
			}
		}
		mustCollection(t, s, "c")
		mustSave(t, s, record("file:///p/a", "s1"))
		do(`INSERT INTO vectors (sha256, fingerprint, dimension, fp16) VALUES ('gone', 'f', 1, $1)`, []byte{0, 0})
		do(`INSERT INTO removed_contents (sha256, width, height, format, color) VALUES ('forgotten', 1, 1, 'png', ''), ('gone', 1, 1, 'png', '')`)
		if vectors, contents, err := s.Unused(t.Context()); vectors != 1 || contents != 1 || err != nil {
			t.Errorf("unused are %d vectors and %d contents, %v", vectors, contents, err)
		}
		if err := s.PurgeContents(t.Context()); err != nil {
			t.Fatal(err)
		}
		if vectors, contents, err := s.Unused(t.Context()); vectors != 1 || contents != 0 || err != nil {
			t.Errorf("unused are %d vectors and %d contents after the purge, %v", vectors, contents, err)
		}
		checkStrays(t, s)
	})
}

func checkStrays(t *testing.T, s *Store) {
	t.Helper()
	want := 0
	if !s.isPostgres() {
		db, err := sql.Open("sqlite", sqliteFile(s.path, "rw"))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec(`INSERT INTO captions (image_id, position, language, text) VALUES ('gone', 0, '', ''), ('gone', 1, '', '')`); err != nil {
			t.Fatal(err)
		}
		want = 2
	}
	if got, err := s.StrayRows(t.Context()); err != nil || got["captions"] != want {
		t.Errorf("strays: %v, %v, want %d captions", got, err, want)
	}
	if err := s.DropStrayRows(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := s.StrayRows(t.Context()); err != nil || len(got) > 0 {
		t.Errorf("strays are left: %v, %v", got, err)
	}
	if damage, err := s.Damage(t.Context()); err != nil || len(damage) > 0 {
		t.Errorf("damage: %v, %v", damage, err)
	}
	if err := s.MendDamage(t.Context()); err != nil {
		t.Error(err)
	}
	var captions int
	if err := s.read.QueryRow(`SELECT COUNT(*) FROM captions`).Scan(&captions); err != nil || captions != 2 {
		t.Errorf("%d captions are left, %v", captions, err)
	}
}
