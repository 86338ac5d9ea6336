package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"polylens/app/folder"
	"polylens/internal/needs"
)

// TestServeSaysWhenItListens: whatever is missing, nothing is said of listening before
// that is known.
func TestServeSaysWhenItListens(t *testing.T) {
	t.Parallel()
	library, milvus := needs.ONNXRuntime(t), needs.Milvus(t)
	for missing, arguments := range map[string][]string{"milvus": nil, "demo": {"--demo"}} {
		f := newFolders(t)
		f.env = []string{"POLYLENS_CACHE=" + t.TempDir(), "POLYLENS_ONNXRUNTIME=" + library, "POLYLENS_MILVUS=" + milvus, "POLYLENS_DEMO="}
		if missing == "milvus" {
			f.env = append(f.env, "POLYLENS_MILVUS=")
		}
		f.fail(t, exitNotSetUp, []string{missing, "polylens setup"}, append([]string{"serve", "--addr", "127.0.0.1:0"}, arguments...)...)
	}
}

// TestCommandsWaitForServer: a command that comes while a server starts waits for it.
func TestCommandsWaitForServer(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	f := newFolders(t)
	pictures := t.TempDir()
	drawFolder(t, pictures, 1, 3)
	f.index(t, pictures)
	f.serve(t)
	got := f.run(t, "search", "picture", "--collection", "c", "--json")
	if got.code != exitSuccess || len(objects[hit](t, got.stdout)) != 3 {
		t.Errorf("search ended with %d: %s %s", got.code, got.stdout, got.stderr)
	}
	if !regexp.MustCompile(`^polylens: waiting up to 1m0s for the running server: .*Milvus is starting\n$`).MatchString(got.stderr) {
		t.Errorf("it says %q", got.stderr)
	}
}

// TestCommandsWaitForListening: a server that holds the folder and does not listen yet is
// waited for, too, and nobody else is.
func TestCommandsWaitForListening(t *testing.T) {
	f := newFolders(t)
	hold, _, err := folder.Take(f.data, folder.ServeCommand)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(2*time.Second, func() { _ = hold.Release(t.Context()) })
	got := f.run(t, "collection", "list")
	if got.code != exitSuccess || !strings.Contains(got.stderr, "does not listen yet") {
		t.Errorf("code %d: %s", got.code, got.stderr)
	}
	other, _, err := folder.Take(f.data, "prune")
	if err != nil {
		t.Fatal(err)
	}
	f.fail(t, exitUnavailable, []string{"in use", "polylens prune"}, "collection", "list")
	if err := other.Release(t.Context()); err != nil {
		t.Error(err)
	}
}
