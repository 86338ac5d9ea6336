package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"polylens/indexer/watch"
	"polylens/internal/needs"
	"polylens/web"
)

// kept is the one source of the collection c.
func (s *server) kept(t *testing.T) web.KeptSource {
	t.Helper()
	var answer struct{ Sources []web.KeptSource }
	if err := json.Unmarshal([]byte(s.get(t, "/api/v1/collections/c/sources", http.StatusOK)), &answer); err != nil || len(answer.Sources) != 1 {
		t.Fatalf("%v: %+v", err, answer)
	}
	return answer.Sources[0]
}

func (s *server) images(t *testing.T) int {
	t.Helper()
	var found web.Collection
	if err := json.Unmarshal([]byte(s.get(t, "/api/v1/collections/c", http.StatusOK)), &found); err != nil {
		t.Fatal(err)
	}
	return found.Images
}

// waitKept waits until a source is as it should be, and has so many images.
func (s *server) waitKept(t *testing.T, state watch.State, images int) web.KeptSource {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		found, count := s.kept(t), s.images(t)
		if found.State == state && count == images {
			return found
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d images, want %d; not %s: %+v\n%s", count, images, state, found, s.log())
		}
	}
}

func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// TestKeptInStep follows a folder through all that happens to folders. The interval is an
// hour: whatever is found is found since the system has told of it.
func TestKeptInStep(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	f := newFolders(t)
	pictures := filepath.Join(t.TempDir(), "pictures")
	if err := os.Mkdir(pictures, 0o755); err != nil {
		t.Fatal(err)
	}
	drawFolder(t, pictures, 1, 12)
	if said := f.succeed(t, "source", "add", pictures, "--collection", "c"); !strings.Contains(said, pictures) {
		t.Errorf("add says %q", said)
	}
	f.fail(t, exitFailure, []string{"already"}, "source", "add", pictures, "--collection", "c")
	f.fail(t, exitUsage, []string{"1m0s"}, "source", "add", pictures, "--collection", "c", "--interval", "5s")
	s := f.serve(t)
	s.waitReady(t)
	s.waitKept(t, watch.InStep, 12)
	for deadline := time.Now().Add(time.Minute); s.kept(t).EventsProblem != ""; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("events are not followed: %+v", s.kept(t))
		}
	}

	drawFolder(t, pictures, 13, 14) // pictures come,
	s.waitKept(t, watch.InStep, 14)
	below := filepath.Join(pictures, "new", "deep")
	if err := os.MkdirAll(below, 0o755); err != nil {
		t.Fatal(err)
	}
	drawFolder(t, below, 15, 16) // also in new folders,
	s.waitKept(t, watch.InStep, 16)
	before := s.get(t, "/api/v1/collections/c/images?limit=100", http.StatusOK)
	move(t, filepath.Join(pictures, "new"), filepath.Join(pictures, "other"))
	drawFolder(t, filepath.Join(pictures, "other", "deep"), 17, 17) // which get other names,
	s.waitKept(t, watch.InStep, 17)
	if after := s.get(t, "/api/v1/collections/c/images?limit=100", http.StatusOK); !strings.Contains(before, "/new/deep/") || strings.Contains(after, "/new/deep/") {
		t.Errorf("a folder that was renamed: %s", after)
	}
	if err := os.Remove(filepath.Join(pictures, "picture-001.png")); err != nil { // and go.
		t.Fatal(err)
	}
	s.waitKept(t, watch.InStep, 16)

	s.checkVanished(t, pictures)
	s.checkUnmounted(t, f, pictures)
	s.stop(t, syscall.SIGTERM)
}

// TestIndexWatch: the folder is indexed, and kept in step from then on.
func TestIndexWatch(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	f, pictures := newFolders(t), t.TempDir()
	drawFolder(t, pictures, 1, 3)
	said := f.run(t, "index", pictures, "--collection", "c", "--watch")
	if said.code != exitSuccess || !strings.Contains(said.stderr, "polylens source remove") || !strings.Contains(said.stdout, "3") {
		t.Errorf("%+v", said)
	}
	if listed := f.succeed(t, "source", "list", "--collection", "c"); !strings.Contains(listed, "in step") {
		t.Errorf("listed %q", listed)
	}
	f.fail(t, exitUsage, []string{"--watch"}, "index", pictures, "--collection", "c", "--watch", "--dry-run")
	f.fail(t, exitUsage, []string{"--watch"}, "index", "s3://shop/", "--collection", "c", "--watch")
}

// checkVanished takes the folder away and brings it back.
func (s *server) checkVanished(t *testing.T, pictures string) {
	t.Helper()
	move(t, pictures, pictures+"-away")
	if found := s.waitKept(t, watch.Waiting, 16); !strings.Contains(found.Detail, "is missing") {
		t.Errorf("it says %+v", found)
	}
	drawFolder(t, pictures+"-away", 18, 18) // nobody hears of that
	move(t, pictures+"-away", pictures)
	s.waitKept(t, watch.InStep, 17)
}

// checkUnmounted puts an empty folder in the place of the folder: nothing goes, until the
// folder is back, or somebody says so.
func (s *server) checkUnmounted(t *testing.T, f folders, pictures string) {
	t.Helper()
	vanish := func() {
		move(t, pictures, pictures+"-disk")
		if err := os.Mkdir(pictures, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	vanish()
	withheld := s.waitKept(t, watch.Withheld, 17)
	if !strings.Contains(withheld.Detail, "no pictures in") {
		t.Errorf("it says %+v", withheld)
	}
	if listed := f.run(t, "source", "list"); !strings.Contains(listed.stdout, "withheld") || !strings.Contains(listed.stderr, "--confirm-removal") {
		t.Errorf("list says %q, %q", listed.stdout, listed.stderr)
	}
	time.Sleep(3 * time.Second) // a look or two
	if again := s.kept(t); again.LastScan.Job != withheld.LastScan.Job {
		t.Errorf("it was scanned again: %+v", again)
	}
	if err := os.Remove(pictures); err != nil {
		t.Fatal(err)
	}
	move(t, pictures+"-disk", pictures)
	s.waitKept(t, watch.InStep, 17)
	vanish()
	withheld = s.waitKept(t, watch.Withheld, 17)
	f.succeed(t, "source", "scan", withheld.ID, "--confirm-removal")
	s.waitKept(t, watch.InStep, 0)
	f.succeed(t, "source", "remove", withheld.ID)
	f.fail(t, exitNotFound, []string{"not found"}, "source", "remove", withheld.ID)
}
