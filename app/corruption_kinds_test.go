package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"polylens/indexer"
	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/search"
)

// again sends all pictures once more.
func again(t *testing.T, h *tampered) {
	for n := range sent {
		h.send(t, n)
	}
}

// corruptions are the kinds of damage, by what was done.
func corruptions() map[string]corruption {
	all := make(map[string]corruption)
	for _, some := range []map[string]corruption{corruptVectors(), corruptTexts(), corruptRows(), corruptFiles(), corruptRest()} {
		for name, c := range some {
			all[name] = c
		}
	}
	return all
}

func corruptVectors() map[string]corruption {
	setTo := func(expression string) func(t *testing.T, h *tampered) {
		return func(t *testing.T, h *tampered) {
			h.do(t, `UPDATE vectors SET fp16 = `+expression+` WHERE sha256 = $1`, h.image(t, 0).SHA256)
		}
	}
	withoutFile := func(plant func(t *testing.T, h *tampered)) func(t *testing.T, h *tampered) {
		return func(t *testing.T, h *tampered) {
			plant(t, h)
			if err := os.Remove(h.file(t, 0)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return map[string]corruption{
		"a vector that is no number":    {plant: setTo(`CAST(x'007e' || substr(fp16, 3) AS BLOB)`), kind: indexer.VectorDamaged},
		"a vector that is infinite":     {plant: setTo(`CAST(x'007c' || substr(fp16, 3) AS BLOB)`), kind: indexer.VectorDamaged},
		"a vector that is short":        {plant: setTo(`substr(fp16, 1, 10)`), kind: indexer.VectorDamaged},
		"a vector of an odd length":     {plant: setTo(`substr(fp16, 1, 11)`), kind: indexer.VectorDamaged},
		"a vector of zeros":             {plant: setTo(`zeroblob(2 * dimension)`), kind: indexer.VectorDamaged},
		"a vector that is not of unity": {plant: setTo(`CAST(x'0044' || substr(fp16, 3) AS BLOB)`), kind: indexer.VectorDamaged},
		"a vector with a wrong length beside it": {plant: func(t *testing.T, h *tampered) {
			h.do(t, `UPDATE vectors SET dimension = 7 WHERE sha256 = $1`, h.image(t, 0).SHA256)
		}, kind: indexer.VectorDamaged},
		"a vector that is gone": {plant: func(t *testing.T, h *tampered) {
			h.do(t, `DELETE FROM vectors WHERE sha256 = $1`, h.image(t, 0).SHA256)
		}, kind: indexer.VectorMissing},
		"a vector of a picture in a folder": {plant: func(t *testing.T, h *tampered) {
			h.do(t, `UPDATE vectors SET fp16 = zeroblob(2 * dimension) WHERE sha256 = (SELECT MIN(sha256) FROM images WHERE source <> 'push:')`)
		}, kind: indexer.VectorDamaged},
		"a vector that is damaged and whose picture is gone": {
			plant: withoutFile(setTo(`zeroblob(2 * dimension)`)), kind: indexer.VectorDamaged, leaves: indexer.VectorMissing, remedy: again,
		},
	}
}

func corruptTexts() map[string]corruption {
	metadata := func(text string) func(t *testing.T, h *tampered) {
		return func(t *testing.T, h *tampered) {
			h.do(t, `UPDATE images SET metadata = $1 WHERE id = $2`, text, h.image(t, 1).ID)
		}
	}
	return map[string]corruption{
		"a caption that is gone": {plant: func(t *testing.T, h *tampered) {
			h.do(t, `DELETE FROM captions WHERE image_id IN (SELECT MIN(id) FROM images WHERE source <> 'push:')`)
		}, kind: indexer.DigestWrong},
		"metadata that were changed":   {plant: metadata(`{"n":77}`), kind: indexer.DigestWrong},
		"metadata that cannot be read": {plant: metadata(`{"n":`), kind: indexer.MetadataDamaged, lost: true, remedy: again},
		"a digest that is another's": {plant: func(t *testing.T, h *tampered) {
			h.do(t, `UPDATE images SET digest = 'x' WHERE id = $1`, h.image(t, 2).ID)
		}, kind: indexer.DigestWrong},
		"a caption of no image": {plant: func(t *testing.T, h *tampered) {
			h.do(t, `INSERT INTO captions (image_id, position, language, text) VALUES ('gone', 0, 'en', 'x')`)
		}, kind: indexer.RowStray},
		"a tombstone of no collection": {plant: func(t *testing.T, h *tampered) {
			h.do(t, `INSERT INTO tombstones (collection, fingerprint, image_id) VALUES ('gone', 'f', 'x')`)
		}, kind: indexer.RowStray},
		"an image of no collection": {plant: strayImage, kind: indexer.RowStray},
		"what nobody has a vector of": {plant: func(t *testing.T, h *tampered) {
			h.do(t, `INSERT INTO removed_contents (sha256, width, height, format, color) VALUES ('gone', 1, 1, 'png', '')`)
		}, kind: indexer.ContentUnused},
		"an index of the catalogue": {plant: emptyIndex, kind: indexer.CatalogueDamaged, many: true},
	}
}

// strayImage is what somebody leaves who deletes a collection without its images.
func strayImage(t *testing.T, h *tampered) {
	h.do(t, `INSERT INTO images (id, collection, source, uri, sha256, size, modified, width, height, format, color, metadata, digest, created, updated)
		VALUES ('stray', 'gone', 'push:', 'push:stray', 'x', 1, 1, 1, 1, 'png', '', '{}', '', 1, 1)`)
}

// emptyIndex leaves an entry out of an index of the catalogue, as a disk may.
func emptyIndex(t *testing.T, h *tampered) {
	h.do(t, `PRAGMA writable_schema = ON`)
	h.do(t, `UPDATE sqlite_schema SET sql = 'CREATE INDEX jobs_by_end ON jobs (finished) WHERE finished < -1' WHERE name = 'jobs_by_end'`)
	h.reopen(t)
	h.do(t, `INSERT INTO jobs (id, kind, collection, state, wanted, priority, exclusive, params, progress, error, failures, losses, lease, expires,
		run_after, created, started, finished, sequence) VALUES ('damaged', 'index', 'c', 'canceled', '', 0, '', '{}', '{}', '', 0, 0, '', 0, 0, 1, 1, 1, 1)`)
	h.do(t, `PRAGMA writable_schema = ON`)
	h.do(t, `UPDATE sqlite_schema SET sql = 'CREATE INDEX jobs_by_end ON jobs (finished)' WHERE name = 'jobs_by_end'`)
	h.reopen(t)
}

func corruptRows() map[string]corruption {
	return map[string]corruption{
		"a row that is missing": {plant: func(t *testing.T, h *tampered) {
			if err := h.parts.index.Delete(t.Context(), h.key, []string{h.image(t, 3).ID}); err != nil {
				t.Fatal(err)
			}
		}, count: func(r indexer.CheckReport) int { return r.Missing }},
		"a row of no image": {plant: func(t *testing.T, h *tampered) {
			row := h.row(t, 3)
			row.ID = "stranger"
			h.upsert(t, row)
		}, count: func(r indexer.CheckReport) int { return r.Extra }},
		"a deletion that the index was not told of": {plant: func(t *testing.T, h *tampered) {
			h.do(t, `INSERT INTO tombstones (collection, fingerprint, image_id) VALUES ($1, $2, 'gone')`, h.key.Collection, h.key.Fingerprint)
		}, kind: indexer.TombstoneLeft},
		"a row that is behind": {plant: func(t *testing.T, h *tampered) {
			h.do(t, `UPDATE indexed SET digest = 'x' WHERE image_id = $1`, h.image(t, 3).ID)
		}, count: func(r indexer.CheckReport) int { return r.Outdated }},
		"a row with the vector of another": {plant: func(t *testing.T, h *tampered) {
			row := h.row(t, 4)
			row.Vector = h.row(t, 5).Vector
			h.upsert(t, row)
		}, kind: indexer.RowWrong, read: true},
		"a row with other metadata": {plant: func(t *testing.T, h *tampered) {
			row := h.row(t, 4)
			h.upsert(t, search.Row{ID: row.ID, Vector: row.Vector, Metadata: map[string]any{"n": 44}})
		}, kind: indexer.RowWrong, read: true},
	}
}

func corruptFiles() map[string]corruption {
	return map[string]corruption{
		"a sent picture whose file is gone": {plant: func(t *testing.T, h *tampered) {
			if err := os.Remove(h.file(t, 3)); err != nil {
				t.Fatal(err)
			}
		}, kind: indexer.OriginalMissing, leaves: indexer.OriginalMissing, remedy: again},
		"a sent picture that was cut off": {plant: func(t *testing.T, h *tampered) {
			rewrite(t, h.file(t, 3), sentPicture(t, 3)[:40], 0)
		}, kind: indexer.OriginalDamaged, leaves: indexer.OriginalMissing, remedy: again},
		"a sent picture with a flipped bit": {plant: func(t *testing.T, h *tampered) {
			data := sentPicture(t, 3)
			data[len(data)/2] ^= 1
			rewrite(t, h.file(t, 3), data, 0)
		}, kind: indexer.OriginalDamaged, read: true, leaves: indexer.OriginalMissing, remedy: again},
		"a file of a picture that no image has": {plant: func(t *testing.T, h *tampered) {
			rewrite(t, filepath.Join(h.data, "pictures", blob.ContentName(strings.Repeat("ab", 32))), []byte("left"), 2*blob.Grace)
		}, kind: indexer.OriginalLeft},
		"a part of a push that is over": {plant: func(t *testing.T, h *tampered) {
			rewrite(t, filepath.Join(h.data, "pictures", "pushes", "gone", "000001"), []byte("left"), 2*blob.Grace)
		}, kind: indexer.PushLeft},
		"a thumbnail of a picture that is gone": {plant: func(t *testing.T, h *tampered) {
			rewrite(t, filepath.Join(h.data, "thumbnails", "ab", strings.Repeat("c", 62)+"-128"), []byte("x"), time.Hour)
		}, kind: indexer.ThumbnailLeft},
		"a thumbnail that is none": {plant: func(t *testing.T, h *tampered) {
			sum := h.image(t, 0).SHA256
			rewrite(t, filepath.Join(h.data, "thumbnails", sum[:2], sum[2:]+"-128"), []byte("no picture"), time.Hour)
		}, kind: indexer.ThumbnailDamaged},
		"a picture of a folder that is gone": {plant: func(t *testing.T, h *tampered) {
			if err := os.Rename(filepath.Join(h.pictures, "picture-001.png"), filepath.Join(h.pictures, "away")); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := os.Rename(filepath.Join(h.pictures, "away"), filepath.Join(h.pictures, "picture-001.png")); err != nil {
					t.Error(err)
				}
			})
		}, kind: indexer.FileGone},
	}
}

func corruptRest() map[string]corruption {
	const addChunk = `INSERT INTO job_chunks (job, number, lane, items, first, last, content, state, lease, expires, losses, created)
		VALUES ($1, 1, 0, 3, 1, 3, 'pushes/lost/000001', $2, '', 0, 0, 3)`
	job := func(t *testing.T, h *tampered, id, state string) {
		h.do(t, `INSERT INTO jobs (id, kind, collection, state, wanted, priority, exclusive, params, progress, error, failures, losses, lease, expires,
			run_after, created, started, finished, sequence) VALUES ($1, 'push', 'c', $2, '', 0, '', '{}', '{}', '', 0, 0, '', 0, 0, 1, 1, 1, 1)`, id, state)
	}
	forget := func(t *testing.T, h *tampered) {
		if _, err := h.jobs.Cancel(t.Context(), "push"); err != nil {
			t.Fatal(err)
		}
	}
	return map[string]corruption{
		"lines of a push that are gone": {plant: func(t *testing.T, h *tampered) {
			job(t, h, "push", string(catalog.JobPaused))
			h.do(t, addChunk, "push", "queued")
		}, kind: indexer.ChunkMissing, leaves: indexer.ChunkMissing, remedy: forget},
		"counts of a push that are wrong": {plant: func(t *testing.T, h *tampered) {
			job(t, h, "counted", string(catalog.JobSucceeded))
			h.do(t, addChunk, "counted", "succeeded")
		}, kind: indexer.PushMiscounted, leaves: indexer.PushMiscounted, remedy: func(t *testing.T, h *tampered) {
			for n := range 3 {
				h.do(t, `INSERT INTO job_items (job, number, item, operation, outcome, problem, detail) VALUES ('counted', $1, $2, 'upsert', 'created', '', '')`, n+1, fmt.Sprint(n))
			}
		}},
	}
}
