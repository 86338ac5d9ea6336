package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"polylens/internal/needs"
	"polylens/search/milvus"
	"polylens/search/searchtest"
)

// foreignMilvus runs the embedded Milvus as if it were one elsewhere, and returns its
// address.
func foreignMilvus(t *testing.T) string {
	t.Helper()
	server, err := milvus.Start(t.Context(), milvus.ServerOptions{Folder: needs.Milvus(t), Data: filepath.Join(t.TempDir(), "milvus")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop(context.WithoutCancel(t.Context())) })
	return searchtest.Relay(t, server.Dial).Address
}

// TestForeignMilvusWithHoles: a Milvus elsewhere that lets strangers in is refused by
// whatever would use it, unless the user accepts that, and the doctor says so either way.
func TestForeignMilvusWithHoles(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	address := foreignMilvus(t)
	f := newFolders(t)
	pictures := t.TempDir()
	drawFolder(t, pictures, 1, 2)
	words := []string{address, "CVE-2025-64513", "CVE-2026-26190", "2.3.5", "--insecure-milvus"}
	index := []string{"index", pictures, "--collection", "c", "--milvus", address}
	f.fail(t, exitFailure, words, index...)
	got := f.run(t, "serve", "--addr", "127.0.0.1:0", "--milvus", address)
	if got.code != exitFailure || !strings.Contains(got.stderr, words[1]) {
		t.Errorf("serve with a Milvus that is not safe: %+v", got)
	}
	finding := func(code int, state string, flags ...string) {
		t.Helper()
		got := f.run(t, append([]string{"doctor", "--milvus", address}, flags...)...)
		line := ""
		for found := range strings.Lines(got.stdout) {
			if strings.Contains(found, " milvus ") {
				line = found
			}
		}
		if got.code != code || !strings.HasPrefix(line, state) || !strings.Contains(line, words[1]) || !strings.Contains(line, words[2]) {
			t.Errorf("the doctor ended with %d and says %q, want %d and %s", got.code, line, code, state)
		}
	}
	finding(exitFailure, "problem")
	finding(exitSuccess, "warning", "--insecure-milvus")
	f.succeed(t, append(index, "--insecure-milvus")...)
	if hits := f.succeed(t, "search", "a picture", "--collection", "c", "--milvus", address, "--insecure-milvus", "--json"); strings.Count(hits, "\n") != 2 {
		t.Errorf("found %s", hits)
	}
}
