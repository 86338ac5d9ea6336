package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"polylens/internal/needs"
)

// in runs a command from a folder.
func (f folders) in(t *testing.T, dir string, arguments ...string) string {
	t.Helper()
	command := f.command(t.Context(), arguments...)
	command.Dir = dir
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%q in %s: %v: %s", arguments, dir, err, out)
	}
	return string(out)
}

// TestRelativeModel: a model that was named by a relative path is found by a process
// in another folder.
func TestRelativeModel(t *testing.T) {
	needs.ONNXRuntime(t)
	f, c, here, elsewhere := newFolders(t), newCatalogue(t), t.TempDir(), t.TempDir()
	if err := os.CopyFS(filepath.Join(here, "own"), os.DirFS("../encoder/hub/polylens-mini")); err != nil {
		t.Fatal(err)
	}
	f.in(t, here, "model", "use", "./own")
	f.in(t, elsewhere, "model", "info")
	f.in(t, here, c.arguments(t, lines(1, pictured), unsplit, "--output", "made")...)
	f.in(t, here, "model", "use", "./made", "--force")
	if info := f.in(t, elsewhere, "model", "info", "--json"); !strings.Contains(info, filepath.Join(here, "made")) {
		t.Errorf("the model in use is %s", info)
	}
}

// TestRestartLosesNothing: a run that cannot be restarted is left as it is.
func TestRestartLosesNothing(t *testing.T) {
	needs.ONNXRuntime(t)
	f, c := newFolders(t), newCatalogue(t)
	arguments := c.arguments(t, lines(1, pictured), unsplit)
	f.succeed(t, arguments...)
	restart := append(arguments, "--restart")
	f.fail(t, exitFailure, []string{"there is a model", "model rm"}, restart...)
	if _, err := os.Stat(filepath.Join(f.data, "runs", "birds", "curve.jsonl")); err != nil {
		t.Errorf("the earlier run: %v", err)
	}
	f.succeed(t, "model", "rm", "birds", "--yes")
	f.succeed(t, restart...)
}

// TestBaseOfAdapterStays: a model that an adapter in use changes is not removed.
func TestBaseOfAdapterStays(t *testing.T) {
	needs.ONNXRuntime(t)
	f, c := newFolders(t), newCatalogue(t)
	arguments := c.arguments(t, lines(1, pictured), unsplit)
	f.succeed(t, arguments...)
	f.succeed(t, append(arguments, "--name", "flies", "--preset", "lora", "--model", "birds")...)
	f.succeed(t, "model", "use", "flies", "--force")
	f.fail(t, exitFailure, []string{"uses the adapter"}, "model", "rm", "birds", "--yes")
	f.succeed(t, "model", "info")
}

// TestMovedDataFolder: an adapter in use and its base are found after the data folder
// has been moved, and a rollback passes over a model that was removed.
func TestMovedDataFolder(t *testing.T) {
	needs.ONNXRuntime(t)
	f, c := newFolders(t), newCatalogue(t)
	arguments := c.arguments(t, lines(1, pictured), unsplit)
	f.succeed(t, arguments...)
	f.succeed(t, "model", "use", "birds", "--force")
	adapter := c.arguments(t, lines(1, pictured), unsplit, "--name", "flies", "--preset", "lora", "--model", bundledModel)
	f.succeed(t, adapter...)
	f.succeed(t, "model", "use", "flies", "--force")
	moved := newFolders(t)
	if err := os.Rename(f.data, moved.data); err != nil {
		t.Fatal(err)
	}
	moved.succeed(t, "embed", "--text", "a fish")
	moved.succeed(t, "model", "rm", "birds", "--yes")
	if out := moved.succeed(t, "model", "rollback"); !strings.Contains(out, bundledModel) {
		t.Errorf("the rollback says %q", out)
	}
}

// TestServerOfAnotherModel: what the server cannot do is refused, not done differently.
func TestServerOfAnotherModel(t *testing.T) {
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	f, pictures, other := newFolders(t), t.TempDir(), otherModel(t, 1)
	drawFolder(t, pictures, 1, 2)
	f.serve(t)
	f.fail(t, exitUsage, []string{"--model"}, "index", pictures, "--collection", "c", "--model", other)
	f.fail(t, exitUsage, []string{"--precision"}, "index", pictures, "--collection", "c", "--precision", "fp16")
	f.succeed(t, "index", pictures, "--collection", "c", "--model", bundledModel, "--precision", "fp32")
}

// TestLostModel: a data folder whose model is gone gets another one, by name or
// by going back.
func TestLostModel(t *testing.T) {
	needs.ONNXRuntime(t)
	for _, repair := range [][]string{{"model", "use", bundledModel}, {"model", "rollback"}} {
		f, dir := newFolders(t), copyModel(t)
		f.succeed(t, "model", "use", dir)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		f.fail(t, exitNotFound, []string{dir}, "model", "info")
		if out := f.succeed(t, repair...); !strings.Contains(out, dir) {
			t.Errorf("%v says %q", repair, out)
		}
		f.succeed(t, "model", "info")
	}
}
