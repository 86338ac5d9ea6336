package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"polylens/app/folder"
	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/internal/needs"
	"polylens/search"
	"polylens/web"
)

// indexDamages are what can happen to the index of a data folder while nothing runs. All
// of it is in the catalogue.
var indexDamages = map[string]func(f folders, t *testing.T){
	"folder gone": func(f folders, t *testing.T) {
		if err := os.RemoveAll(filepath.Join(f.data, "milvus")); err != nil {
			t.Fatal(err)
		}
	},
	"etcd broken": func(f folders, t *testing.T) { f.breakFiles(t, "milvus/etcd") },
	"collection gone": func(f folders, t *testing.T) {
		f.atIndex(t, func(ctx context.Context, x *parts, key search.Key) error { return x.index.Drop(ctx, key) })
	},
	"rows gone": func(f folders, t *testing.T) {
		f.atIndex(t, func(ctx context.Context, x *parts, key search.Key) error {
			ids, err := x.store.IndexableIDs(ctx, key.Collection, key.Fingerprint)
			if err != nil {
				return err
			}
			return x.index.Delete(ctx, key, ids[:5])
		})
	},
}

// TestDamagedIndexIsFilledAgain: a server notices at its start what the index has lost,
// tells the truth while that is so, and fills it again without encoding anything.
func TestDamagedIndexIsFilledAgain(t *testing.T) {
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	for name, damage := range indexDamages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, pictures := newFolders(t), t.TempDir()
			drawFolder(t, pictures, 1, 20)
			f.index(t, pictures)
			before := f.state(t)
			damage(f, t)
			if err := os.RemoveAll(pictures); err != nil { // nothing can be encoded
				t.Fatal(err)
			}
			s := f.serve(t)
			s.waitFilled(t, 20)
			s.wantRestored(t, name == "rows gone")
			if log := s.log(); strings.Contains(log, "goroutine ") || !strings.Contains(log, "filled again from the catalogue") {
				t.Errorf("the log:\n%s", log)
			}
			if code := s.stop(t, syscall.SIGTERM); code != exitSuccess {
				t.Errorf("the server ended with %d:\n%s", code, s.log())
			}
			compareStates(t, f.state(t), before)
			f.wantAside(t, name == "etcd broken")
		})
	}
}

// waitFilled asks until all is found again. Until then nothing may look as if it were
// all there is.
func (s *server) waitFilled(t *testing.T, images int) {
	t.Helper()
	for deadline := time.Now().Add(4 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		ready, words := s.fetch(t, "/readyz")
		code, body := s.fetch(t, "/api/v1/collections/c/search?q=picture&limit=100")
		var found struct{ Hits []struct{ ID string } }
		if code == http.StatusOK {
			if err := json.Unmarshal([]byte(body), &found); err != nil {
				t.Fatal(err)
			}
			if len(found.Hits) == images {
				return
			}
		}
		rowsGone := len(found.Hits) == images-5
		if code == http.StatusNotFound || code == http.StatusOK && !rowsGone || ready == http.StatusOK && code != http.StatusOK && strings.HasPrefix(words, "ready") && s.isStill(t, code) {
			t.Fatalf("readyz says %d %s, and a search answers %d with %d hits: %.300s\n%s", ready, words, code, len(found.Hits), body, s.log())
		}
		if time.Now().After(deadline) {
			t.Fatalf("not filled again: %d %s, %d %s\n%s", ready, words, code, body, s.log())
		}
	}
}

// isStill reports whether a search answers the same once more: in between, the index may
// have been filled.
func (s *server) isStill(t *testing.T, code int) bool {
	t.Helper()
	again, _ := s.fetch(t, "/api/v1/collections/c/search?q=picture&limit=100")
	ready, _ := s.fetch(t, "/readyz")
	return again == code && ready == http.StatusOK
}

// wantRestored expects the collection to be whole, by a job that has encoded nothing.
func (s *server) wantRestored(t *testing.T, inPart bool) {
	t.Helper()
	kind := indexer.JobRebuild
	if inPart {
		kind = indexer.JobRepair
	}
	deadline := time.Now().Add(time.Minute)
	for {
		var collection web.Collection
		var listed struct{ Jobs []web.Job }
		if err := errors.Join(
			json.Unmarshal([]byte(s.get(t, "/api/v1/collections/c", http.StatusOK)), &collection),
			json.Unmarshal([]byte(s.get(t, "/api/v1/jobs?kind="+kind, http.StatusOK)), &listed),
		); err != nil {
			t.Fatal(err)
		}
		if collection.Searchable && collection.Rebuild == nil && len(listed.Jobs) == 1 && listed.Jobs[0].State == catalog.JobSucceeded {
			s.get(t, "/readyz", http.StatusOK)
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%+v, jobs %+v\n%s", collection, listed.Jobs, s.log())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// wantAside expects that data of Milvus was set aside, and that the doctor says so, or
// neither.
func (f folders) wantAside(t *testing.T, expected bool) {
	t.Helper()
	aside, err := filepath.Glob(filepath.Join(f.data, "milvus-damaged-*"))
	if err != nil || len(aside) > 1 || len(aside) == 1 != expected {
		t.Errorf("set aside are %v, %v", aside, err)
	}
	told := f.run(t, "doctor").stdout
	if expected && !strings.Contains(told, aside[0]) || !expected && strings.Contains(told, "milvus-damaged") {
		t.Errorf("the doctor says\n%s", told)
	}
}

// breakFiles overwrites all files of a folder in the data folder.
func (f folders) breakFiles(t *testing.T, name string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(f.data, name), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		return os.WriteFile(path, []byte(strings.Repeat("broken ", 1000)), 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// atIndex changes the index of the collection c behind the catalogue's back.
func (f folders) atIndex(t *testing.T, change func(ctx context.Context, x *parts, key search.Key) error) {
	t.Helper()
	settings := globals{Data: f.data, Model: bundledModel, Onnxruntime: needs.ONNXRuntime(t), Milvus: needs.Milvus(t), DecodeMiB: 64}
	if err := settings.finish(); err != nil {
		t.Fatal(err)
	}
	p := newProgram(settings, terminal{in: os.Stdin, out: io.Discard, err: io.Discard}, slog.New(slog.DiscardHandler))
	defer func() {
		if err := p.close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	hold, _, err := folder.Take(f.data, "test")
	if err != nil {
		t.Fatal(err)
	}
	p.later(hold.Release)
	x, err := p.openParts(t.Context())
	if err == nil {
		err = x.connect(t.Context())
	}
	if err == nil {
		err = change(t.Context(), x, search.Key{Collection: "c", Fingerprint: x.encoder().PictureFingerprint()})
	}
	if err != nil {
		t.Fatal(err)
	}
}
