package main

import (
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"polylens/indexer/blob"
	"polylens/indexer/catalog"
	"polylens/internal/needs"
)

// compareStore ends the fleet, collects what nothing needs as if days had passed, and
// expects the object store to keep the picture of every image, and nothing else but what
// belongs to jobs.
func (f *fleet) compareStore(t *testing.T, d *diary) {
	t.Helper()
	for _, m := range f.members {
		m.halt(syscall.SIGTERM)
	}
	for _, assignment := range append(f.environment(), clockVariable+"=") {
		name, value, _ := strings.Cut(assignment, "=")
		t.Setenv(name, value)
	}
	x := f.open(t)
	later := time.Now().Add(2 * blob.Grace)
	if _, err := x.documents.Collect(t.Context(), later); err != nil {
		t.Error(err)
	}
	if err := x.pushes.Collect(t.Context(), later); err != nil {
		t.Error(err)
	}
	want := make(map[string]bool)
	for id := range d.images {
		image, err := x.store.Image(t.Context(), "c", id)
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		want[image.SHA256] = true
	}
	kept := f.contents(t)
	if len(kept) != len(want) || slices.ContainsFunc(kept, func(sum string) bool { return !want[sum] }) {
		t.Errorf("the object store keeps %d pictures, want %d, and just these", len(kept), len(want))
	}
	jobs, err := x.store.Jobs(nil).List(t.Context(), catalog.JobFilter{Kind: "push", Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	if pushes, err := filepath.Glob(filepath.Join(f.bucket, "pushes", "*")); err != nil || len(pushes) > len(jobs) {
		t.Errorf("the object store keeps %d pushes of %d jobs (%v)", len(pushes), len(jobs), err)
	}
}

// contents are the SHA-256 of the pictures in the object store, by the names of files.
func (f *fleet) contents(t *testing.T) (sums []string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(f.bucket, "contents"), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			sums = append(sums, entry.Name())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return sums
}

// open opens the catalogue and the object store as a server does.
func (f *fleet) open(t *testing.T) *parts {
	t.Helper()
	env := make(map[string]string)
	for _, assignment := range f.environment() {
		name, value, _ := strings.Cut(assignment, "=")
		env[name] = value
	}
	settings := globals{
		Data: filepath.Join(f.base, "reader"), Cache: t.TempDir(), Model: bundledModel, Onnxruntime: needs.ONNXRuntime(t), DecodeMiB: 64,
		Database: env["POLYLENS_DATABASE"], ObjectStore: env["POLYLENS_OBJECT_STORE"],
	}
	if err := settings.finish(); err != nil {
		t.Fatal(err)
	}
	p := newProgram(settings, terminal{out: io.Discard, err: io.Discard}, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		if err := p.close(t.Context()); err != nil {
			t.Log(err) // what it connected to has ended
		}
	})
	x, err := p.openParts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return x
}
