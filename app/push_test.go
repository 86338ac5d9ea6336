package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"polylens/internal/needs"
	"polylens/web"
)

// drawings are some pictures, by the names of their files.
func drawings(t testing.TB, count int) map[string][]byte {
	t.Helper()
	folder := t.TempDir()
	drawFolder(t, folder, 1, count)
	names, err := filepath.Glob(filepath.Join(folder, "*.png"))
	if err != nil || len(names) != count {
		t.Fatalf("%d drawings, %v", len(names), err)
	}
	files := make(map[string][]byte)
	for _, name := range names {
		if files[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// TestPushes brings pictures to a server in every way, changes and deletes them, and finds
// what is there.
func TestPushes(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	f := newFolders(t)
	files := drawings(t, 12)
	lines, folder := filepath.Join(t.TempDir(), "some.ndjson.gz"), t.TempDir()
	writeLines(t, lines, files)
	shard := filepath.Join(t.TempDir(), "shard.tar")
	writeTar(t, shard, files)
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bucket := "file://" + folder
	server := f.serve(t, "--source-bucket", bucket+"?metadata=skip")
	server.waitReady(t)
	job := objects[web.Job](t, f.succeed(t, "index", lines, "--collection", "shop", "--json"))[0]
	if want := (web.Counts{Total: 12, Done: 12, Succeeded: 12, Created: 12}); job.Counts != want {
		t.Errorf("lines: %+v", job.Counts)
	}
	f.succeed(t, "index", shard, "--collection", "shop")
	key := f.run(t, "key", "create", "sender", "--scope", "index")
	elsewhere := newFolders(t)
	sent := objects[web.Job](t, elsewhere.succeed(t, "index", folder, "--collection", "sent", "--json", "--server", "http://"+server.address, "--key", strings.TrimSpace(key.stdout)))[0]
	if sent.Counts.Created != 12 {
		t.Errorf("folder: %+v", sent.Counts)
	}
	again := objects[web.Job](t, elsewhere.succeed(t, "index", folder, "--collection", "sent", "--json", "--server", "http://"+server.address, "--key", strings.TrimSpace(key.stdout)))[0]
	if again.Counts.Unchanged != 12 {
		t.Errorf("folder again: %+v", again.Counts)
	}
	labeled := objects[web.Job](t, elsewhere.succeed(t, "index", shard, "--collection", "labeled", "--json", "--layout", "imagefolder", "--server", "http://"+server.address, "--key", strings.TrimSpace(key.stdout)))[0]
	images := server.get(t, "/api/v1/collections/labeled/images?limit=1", http.StatusOK)
	if labeled.Counts.Created != 12 || !strings.Contains(images, `"label":"shard"`) {
		t.Errorf("imagefolder: %+v %s", labeled.Counts, images)
	}
	archive := objects[web.Job](t, elsewhere.succeed(t, "index", shard, "--collection", "sent", "--json", "--server", "http://"+server.address, "--key", strings.TrimSpace(key.stdout)))[0]
	if archive.Counts.Created != 12 {
		t.Errorf("archive: %+v", archive.Counts)
	}
	for _, source := range []string{lines, shard, folder, bucket + "/"} {
		planned := objects[web.Job](t, f.succeed(t, "index", source, "--collection", "nowhere", "--json", "--dry-run"))[0]
		if planned.Kind != "plan" || planned.Plan == nil || planned.Plan.New != 12 || planned.Plan.Encode+planned.Plan.Known != 12 {
			t.Errorf("plan for %s: %+v", source, planned.Plan)
		}
	}
	if words := f.succeed(t, "index", lines, "--collection", "shop", "--dry-run"); !strings.Contains(words, "12 unchanged") || !strings.Contains(words, "Nothing was changed") {
		t.Errorf("plan says %s", words)
	}
	server.get(t, "/api/v1/collections/nowhere", http.StatusNotFound)
	listed := objects[web.Job](t, f.succeed(t, "index", bucket+"/", "--collection", "listed", "--json"))[0]
	if listed.Counts.Created != 12 || listed.Source == nil || listed.Source.Bucket != bucket+"/" {
		t.Errorf("bucket: %+v", listed)
	}
	bad := f.runWith(t, strings.NewReader(`{"op":"delete","id":"none"}`+"\n"+`{"id":"x","data":"!"}`+"\n"), "index", "-", "--collection", "shop", "--json")
	refused := objects[web.Job](t, bad.stdout)[0]
	if bad.code != exitIncomplete || refused.Counts.Failed != 2 {
		t.Errorf("bad lines: exit %d, %+v", bad.code, refused.Counts)
	}
	items := f.succeed(t, "job", "items", refused.ID, "--outcome", "failed")
	if strings.Count(items, "\n") != 2 || !strings.Contains(items, "none") || !strings.Contains(items, "base64") {
		t.Errorf("items are\n%s", items)
	}
	var hits struct{ Hits []web.Hit }
	if err := json.Unmarshal([]byte(server.get(t, "/api/v1/collections/shop/search?q=animal&limit=100", http.StatusOK)), &hits); err != nil || len(hits.Hits) != 24 {
		t.Errorf("%d hits, %v, want the 12 of the lines and the 12 of the shard", len(hits.Hits), err)
	}
	if code := server.stop(t, syscall.SIGTERM); code != 0 {
		t.Errorf("the server ends with %d", code)
	}
	if checked := f.succeed(t, "check", "shop"); !strings.Contains(checked, "agrees") {
		t.Errorf("check says %s", checked)
	}
}

func writeLines(t testing.TB, path string, files map[string][]byte) {
	t.Helper()
	var text bytes.Buffer
	packed := gzip.NewWriter(&text)
	for name, data := range files {
		fmt.Fprintf(packed, `{"op":"upsert","id":"lines/%s","data":"%s","metadata":{"way":"lines"}}`+"\n", name, base64.StdEncoding.EncodeToString(data))
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

func writeTar(t testing.TB, path string, files map[string][]byte) {
	t.Helper()
	var packed bytes.Buffer
	archive := tar.NewWriter(&packed)
	for name, data := range files {
		if err := archive.WriteHeader(&tar.Header{Name: "shard/" + name, Size: int64(len(data)), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, packed.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
