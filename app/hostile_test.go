package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"polylens/app/bench"
	"polylens/indexer/catalog"
	"polylens/internal/needs"
	"polylens/web"
)

// mostHostile is the most memory that the server may have held after all of it.
const mostHostile = 2 << 30

// TestHostileInputs sends a server pictures, lines, URLs, paths and archives that are meant
// to harm it. Each is an item that failed, or a request that was refused, and says why; the
// good pictures among them are found, and the server stays up within its memory.
func TestHostileInputs(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	f := newFolders(t)
	site := hostileSite(t)
	folder := hostileFolder(t)
	server := f.serve(t, "--allow-path", folder, "--fetch-allow", "127.0.0.1", "--fetch-ports", "80,"+site.URL[strings.LastIndexByte(site.URL, ':')+1:])
	server.waitReady(t)
	good := drawings(t, 3)
	lines := hostileLines(t, site.URL, folder)
	var body bytes.Buffer
	for name, line := range lines {
		fmt.Fprintln(&body, strings.ReplaceAll(line, "NAME", name))
	}
	for name, data := range good {
		body.WriteString(goodLine(t, name, data))
	}
	job := server.push(t, "application/x-ndjson", &body)
	items := server.itemsOf(t, job)
	if len(items) != len(lines)+len(good) {
		t.Errorf("%d items, want %d", len(items), len(lines)+len(good))
	}
	created := checkHostile(t, items)
	if created != len(good) {
		t.Errorf("%d pictures are new, want the %d good ones", created, len(good))
	}
	archives := hostileArchives(t)
	for name, data := range archives {
		server.pushArchive(t, name, data)
	}
	if sent := len(lines) + len(archives); sent < 60 {
		t.Errorf("%d hostile inputs, want 60", sent)
	}
	var hits struct{ Hits []web.Hit }
	if err := json.Unmarshal([]byte(server.get(t, "/api/v1/collections/hostile/search?q=animal&limit=100", http.StatusOK)), &hits); err != nil || len(hits.Hits) < len(good) {
		t.Errorf("%d hits, %v", len(hits.Hits), err)
	}
	if peak := bench.MemoryOfProcess(server.command.Process.Pid, "VmHWM"); peak > mostHostile {
		t.Errorf("the server held %d MB", peak>>20)
	}
	if log := server.log(); strings.Contains(log, "panic") || strings.Contains(log, "goroutine ") {
		t.Errorf("the server's log says\n%.2000s", log)
	}
	if code := server.stop(t, syscall.SIGTERM); code != 0 {
		t.Errorf("the server ends with %d", code)
	}
}

// checkHostile demands a reason of every item that failed, and counts the others.
func checkHostile(t *testing.T, items []web.Item) (created int) {
	t.Helper()
	for _, item := range items {
		switch {
		case item.Outcome == catalog.OutcomeCreated && strings.HasPrefix(item.ID, "good/"):
			created++
		case item.Outcome != catalog.OutcomeFailed || item.Problem == nil || len(item.Problem.Detail) < 10:
			t.Errorf("line %d, %q: %s, %+v", item.Number, item.ID, item.Outcome, item.Problem)
		case strings.Contains(item.Problem.Detail, "internal") || strings.Contains(item.Problem.Detail, "runtime error"):
			t.Errorf("line %d, %q fails with %q", item.Number, item.ID, item.Problem.Detail)
		}
	}
	return created
}

func goodLine(t *testing.T, name string, data []byte) string {
	t.Helper()
	line, err := json.Marshal(map[string]any{"id": "good/" + name, "data": data})
	if err != nil {
		t.Fatal(err)
	}
	return string(line) + "\n"
}

// push sends a job and waits for its end.
func (s *server) push(t *testing.T, contentType string, body *bytes.Buffer) web.Job {
	t.Helper()
	code, answer := s.postJob(t, contentType, body)
	var job web.Job
	if err := json.Unmarshal(answer, &job); err != nil || code != http.StatusAccepted {
		t.Fatalf("got %d %.300s", code, answer)
	}
	for deadline := time.Now().Add(5 * time.Minute); !job.State.Finished(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the job does not end: %+v", job)
		}
		if err := json.Unmarshal([]byte(s.get(t, "/api/v1/jobs/"+job.ID, http.StatusOK)), &job); err != nil {
			t.Fatal(err)
		}
	}
	if job.State != catalog.JobSucceeded {
		t.Fatalf("the job is %s: %s", job.State, job.Error)
	}
	return job
}

func (s *server) postJob(t *testing.T, contentType string, body *bytes.Buffer) (code int, answer []byte) {
	t.Helper()
	response, err := http.Post("http://"+s.address+"/api/v1/collections/hostile/jobs", contentType, body) //nolint:noctx // the test has its own deadline
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var read bytes.Buffer
	if _, err := read.ReadFrom(response.Body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, read.Bytes()
}

func (s *server) itemsOf(t *testing.T, job web.Job) (items []web.Item) {
	t.Helper()
	for line := range strings.Lines(s.get(t, "/api/v1/jobs/"+job.ID+"/items", http.StatusOK)) {
		var item web.Item
		if err := json.Unmarshal([]byte(line), &item); err != nil {
			t.Fatal(err)
		}
		items = append(items, item)
	}
	return items
}

// pushArchive sends an archive. It is refused as a whole with a problem that says why, or
// each of its members is an item that failed.
func (s *server) pushArchive(t *testing.T, name string, data []byte) {
	t.Helper()
	kind := "application/zip"
	if strings.Contains(name, "tar") {
		kind = "application/x-tar"
	}
	code, answer := s.postJob(t, kind, bytes.NewBuffer(data))
	if code == http.StatusAccepted {
		var job web.Job
		if err := json.Unmarshal(answer, &job); err != nil {
			t.Fatal(err)
		}
		for !job.State.Finished() {
			time.Sleep(50 * time.Millisecond)
			if err := json.Unmarshal([]byte(s.get(t, "/api/v1/jobs/"+job.ID, http.StatusOK)), &job); err != nil {
				t.Fatal(err)
			}
		}
		if items := s.itemsOf(t, job); len(items) == 0 || checkHostile(t, items) > 0 {
			t.Errorf("%s: %d items of job %s", name, len(items), job.State)
		}
		return
	}
	var problem struct{ Title, Detail string }
	if err := json.Unmarshal(answer, &problem); err != nil || code < 400 || code > 499 || problem.Detail == "" {
		t.Errorf("%s: got %d %.300s", name, code, answer)
	}
}

// hostileSite is a server that the fetcher may ask.
func hostileSite(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	for path, target := range map[string]string{
		"/to-metadata": "http://169.254.169.254/latest/meta-data/", "/to-file": "file:///etc/passwd", "/to-private": "http://10.0.0.1/a.png",
		"/loop": "/loop", "/to-nowhere": "//", "/to-port": "http://127.0.0.1:22/",
	} {
		mux.Handle(path, http.RedirectHandler(target, http.StatusFound))
	}
	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/lying", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "9223372036854775807")
		_, _ = w.Write([]byte("\x89PNG"))
	})
	mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html>"))
	})
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte("\x89PNG"))
	})
	site := httptest.NewServer(mux)
	t.Cleanup(site.Close)
	return site
}

// hostileFolder is one that the server may read files from.
func hostileFolder(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.Symlink("/etc/passwd", filepath.Join(folder, "link.png")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/proc/self", filepath.Join(folder, "proc")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(folder, "pipe.png"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", filepath.Join(folder, "zero.png")); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(folder, "sparse.png"), "")
	if err := os.Truncate(filepath.Join(folder, "sparse.png"), 1<<40); err != nil {
		t.Fatal(err)
	}
	return folder
}
