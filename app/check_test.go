package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"

	"polylens/indexer/catalog"
	"polylens/internal/needs"
	"polylens/search"
	"polylens/web"
)

// tamper changes the index of a collection behind the catalogue's back, on the
// Milvus of its data folder: it takes a row out and puts a strange one in.
func (f folders) tamper(t *testing.T, collection string) {
	t.Helper()
	g := globals{Data: f.data, Cache: t.TempDir(), Model: bundledModel, Onnxruntime: needs.ONNXRuntime(t), Milvus: needs.Milvus(t), DecodeMiB: 64}
	p := newProgram(g, terminal{in: os.Stdin, out: io.Discard, err: io.Discard}, slog.New(slog.DiscardHandler))
	defer func() {
		if err := p.close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	x, err := p.openParts(t.Context())
	if err == nil {
		err = x.connect(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	found, err := x.store.Collection(t.Context(), collection)
	if err != nil {
		t.Fatal(err)
	}
	key := search.Key{Collection: found.ID, Fingerprint: found.Fingerprint}
	ids, err := x.store.IndexableIDs(t.Context(), key.Collection, key.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	stranger := search.Row{ID: "stranger", Vector: make([]float32, x.encoder().Dimension())}
	stranger.Vector[0] = 1
	if err := x.index.Delete(t.Context(), key, ids[:1]); err != nil {
		t.Fatal(err)
	}
	if err := x.index.Upsert(t.Context(), key, []search.Row{stranger}); err != nil {
		t.Fatal(err)
	}
	if err := x.store.ForgetIndexedImages(t.Context(), key.Fingerprint, ids[1:3]); err != nil {
		t.Fatal(err)
	}
}

// TestCheckAndDelete finds an index that differs, alone and through a server,
// repairs it, and deletes the collection.
func TestCheckAndDelete(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	f := newFolders(t)
	pictures := t.TempDir()
	drawFolder(t, pictures, 1, 8)
	f.index(t, pictures)
	f.tamper(t, "c")
	broken := checkLine{Collection: "c", Check: web.Check{Images: 8, Missing: 1, Extra: 1, Outdated: 2}}
	f.wantDiffers(t, broken)
	f.fail(t, exitNotFound, []string{"nothing", "not found"}, "check", "c", "nothing")

	server := f.serve(t)
	server.waitReady(t)
	f.wantDiffers(t, broken) // the first check has changed nothing
	repaired := broken
	repaired.Repaired = 4
	f.wantCheck(t, repaired, "--repair")
	whole := checkLine{Collection: "c", Check: web.Check{Images: 8}}
	f.wantCheck(t, whole)
	whole.Repaired = 8
	f.wantCheck(t, whole, "--rebuild", "c")
	if text := f.succeed(t, "check"); text != "c: 8 images, the index agrees\n" {
		t.Errorf("check prints %q", text)
	}
	if hits := objects[hit](t, f.succeed(t, "search", "picture", "--collection", "c", "--json")); len(hits) != 8 ||
		slices.ContainsFunc(hits, func(h hit) bool { return h.ID == "stranger" }) {
		t.Errorf("after the repair: %+v", hits)
	}
	f.wantCheckJobs(t)
	f.deleteCollection(t)
	if code := server.stop(t, syscall.SIGTERM); code != exitSuccess {
		t.Errorf("the server ended with %d:\n%s", code, server.log())
	}
}

// wantDiffers expects check to report this and fail.
func (f folders) wantDiffers(t *testing.T, want checkLine) {
	t.Helper()
	got := f.run(t, "check", "--json")
	checkFailure(t, got, exitFailure, []string{"differs", "polylens check --repair c"}, []string{"check"})
	if lines := objects[checkLine](t, got.stdout); !reflect.DeepEqual(lines, []checkLine{want}) {
		t.Errorf("check: %+v, want %+v", lines, want)
	}
}

func (f folders) wantCheck(t *testing.T, want checkLine, arguments ...string) {
	t.Helper()
	lines := objects[checkLine](t, f.succeed(t, append([]string{"check", "--json"}, arguments...)...))
	if !reflect.DeepEqual(lines, []checkLine{want}) {
		t.Errorf("check %q: %+v, want %+v", arguments, lines, want)
	}
}

// wantCheckJobs: the jobs of the checks can be looked at even when they are over.
func (f folders) wantCheckJobs(t *testing.T) {
	t.Helper()
	checks := objects[web.Job](t, f.succeed(t, "job", "list", "--kind", "repair", "--collection", "c", "--json"))
	if len(checks) != 1 || checks[0].State != catalog.JobSucceeded || checks[0].Check == nil || checks[0].Check.Repaired != 4 {
		t.Fatalf("repair jobs: %+v", checks)
	}
	if text := f.succeed(t, "job", "show", checks[0].ID, "--follow"); !strings.Contains(text, "1 missing, 1 extra, 2 outdated, 4 rows repaired") {
		t.Errorf("job show prints %s", text)
	}
	if text := f.succeed(t, "job", "list", "--kind", "index"); !strings.Contains(text, "8 of 8 pictures") {
		t.Errorf("job list prints\n%s", text)
	}
}

func (f folders) deleteCollection(t *testing.T) {
	t.Helper()
	listed := objects[web.Collection](t, f.succeed(t, "collection", "list", "--json"))
	if len(listed) != 1 || listed[0].Name != "c" || listed[0].Images != 8 || !listed[0].Searchable || len(listed[0].Model) != 64 {
		t.Errorf("collections %+v", listed)
	}
	if text := f.succeed(t, "collection", "list"); !strings.HasPrefix(text, "NAME ") || !strings.Contains(text, "c     8       yes         "+bundledModel+" ") {
		t.Errorf("collection list prints\n%s", text)
	}
	f.fail(t, exitNotFound, []string{"nothing"}, "collection", "delete", "nothing", "--yes")
	for _, answer := range []string{"", "n\n", "c\n"} {
		got := f.runWith(t, strings.NewReader(answer), "collection", "delete", "c")
		if got.code != exitFailure || got.stdout != "" || !strings.Contains(got.stderr, "c is kept") || !strings.Contains(got.stderr, "--yes") {
			t.Errorf("the answer %q: %+v", answer, got)
		}
	}
	got := f.runWith(t, strings.NewReader("y\n"), "collection", "delete", "c")
	if got.code != exitSuccess || !strings.Contains(got.stderr, "8 images") || !strings.Contains(got.stdout, "deleted") {
		t.Errorf("collection delete: %+v", got)
	}
	if text := f.succeed(t, "collection", "list", "--json"); text != "" {
		t.Errorf("collections after the end of the only one: %s", text)
	}
	f.fail(t, exitNotFound, []string{"c"}, "collection", "delete", "c", "--yes")
}
