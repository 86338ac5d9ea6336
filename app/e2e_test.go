package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/internal/needs"
)

// TestIndexAndSearch runs one collection through its life on the command
// line: every command starts Milvus, works and ends it.
func TestIndexAndSearch(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	f := newFolders(t)
	pictures := t.TempDir()
	drawFolder(t, pictures, 1, 20)
	writeFile(t, filepath.Join(pictures, "empty.png"), "")
	writeFile(t, filepath.Join(pictures, "text.jpg"), "I am no picture.")
	writeFile(t, filepath.Join(pictures, "huge.png"), hugePNG)

	got := f.index(t, pictures)
	if p := got.Progress; p.Indexed != 20 || p.Failed != 3 || p.Done != 23 || p.Total != 23 || got.State != catalog.JobSucceeded {
		t.Fatalf("first run: %+v", got)
	}
	reasons := ""
	for _, failure := range got.Failures {
		reasons += filepath.Base(failure.URI) + ": " + failure.Reason + "\n"
	}
	for _, want := range []string{"empty.png", "text.jpg", "huge.png", "pixels"} {
		if !strings.Contains(reasons, want) {
			t.Errorf("the reasons %q lack %q", reasons, want)
		}
	}

	drawPicture(t, pictures, "picture-001.png", 101) // changed
	drawFolder(t, pictures, 21, 22)                  // new
	for _, name := range []string{"picture-002.png", "picture-002.png.json"} {
		if err := os.Remove(filepath.Join(pictures, name)); err != nil {
			t.Fatal(err)
		}
	}
	if p := f.index(t, pictures).Progress; p.Indexed != 3 || p.Removed != 1 || p.Unchanged != 18 {
		t.Errorf("second run: %+v", p)
	}

	hits := objects[hit](t, f.succeed(t, "search", "picture", "--collection", "c", "--limit", "50", "--json"))
	if len(hits) != 21 {
		t.Fatalf("%d hits, want 21", len(hits))
	}
	for i, hit := range hits {
		if hit.ID == "" || !strings.HasPrefix(hit.URI, "file://") || i > 0 && hit.Score > hits[i-1].Score {
			t.Errorf("hit %d: %+v", i, hit)
		}
	}
	if text := f.succeed(t, "search", "picture", "--collection", "c", "--limit", "2"); strings.Count(text, "\n") != 2 {
		t.Errorf("search prints %q", text)
	}
	f.fail(t, exitNotFound, []string{"nothing", "not found"}, "search", "picture", "--collection", "nothing")
	f.fail(t, exitFailure, []string{"text", "empty"}, "search", "  ", "--collection", "c")
	f.checkRename(t, pictures, hits)
}

// checkRename gives the collection another name and fills one of the old name
// beside it.
func (f folders) checkRename(t *testing.T, pictures string, before []hit) {
	t.Helper()
	f.fail(t, exitNotFound, []string{"nothing"}, "collection", "rename", "nothing", "new")
	f.fail(t, exitUsage, []string{"a-z"}, "collection", "rename", "c", "Bad Name")
	if text := f.succeed(t, "collection", "rename", "c", "new"); !strings.Contains(text, "new") {
		t.Errorf("rename prints %q", text)
	}
	if p := f.index(t, pictures).Progress; p.Indexed != 21 || p.Removed != 0 {
		t.Errorf("the old name anew: %+v", p)
	}
	find := func(name string) []hit {
		return objects[hit](t, f.succeed(t, "search", "picture", "--collection", name, "--limit", "50", "--json"))
	}
	if after := find("new"); !slices.Equal(after, before) {
		t.Errorf("found %+v, and before %+v", after, before)
	}
	if anew := find("c"); len(anew) != len(before) || anew[0].ID == before[0].ID {
		t.Errorf("found %+v in the collection of the old name", anew)
	}
}

// hugePNG declares 60,000 by 60,000 pixels and holds none.
const hugePNG = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\xea\x60\x00\x00\xea\x60\x08\x06\x00\x00\x00\x80\xd2\x75\x42"

// index indexes pictures, of which some may not be readable: the exit code must say the
// same as the outcome.
func (f folders) index(t testing.TB, pictures string) indexOutcome {
	t.Helper()
	got := f.run(t, "index", pictures, "--collection", "c", "--json")
	lines := objects[indexOutcome](t, got.stdout)
	if len(lines) != 1 {
		t.Fatalf("index prints %d objects, ends with %d: %s", len(lines), got.code, got.stderr)
	}
	want := exitSuccess
	if lines[0].Progress.Failed > 0 {
		want = exitIncomplete
	}
	if got.code != want {
		t.Fatalf("index ended with %d, want %d: %s", got.code, want, got.stderr)
	}
	return lines[0]
}

// TestServe is one life of a server: early page, readiness, commands through
// it, nothing on the network, a quick end, and a second life.
func TestServe(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	f := newFolders(t)
	pictures := t.TempDir()
	drawFolder(t, pictures, 1, 8)
	server := f.serve(t)
	if body := server.get(t, "/", http.StatusOK); !strings.Contains(body, "<html") {
		t.Errorf("the page before Milvus is ready: %.200q", body)
	}
	server.get(t, "/healthz", http.StatusOK)
	f.fail(t, exitUnavailable, []string{"in use", fmt.Sprint(server.command.Process.Pid), "--data"}, "serve", "--addr", "127.0.0.1:0")
	server.waitReady(t)
	checkExposure(t, server.command.Process.Pid, server.address)

	if got := f.index(t, pictures); got.Progress.Indexed != 8 {
		t.Errorf("index through the server: %+v", got)
	}
	if hits := objects[hit](t, f.succeed(t, "search", "picture", "--collection", "c", "--json")); len(hits) != 8 {
		t.Errorf("search through the server: %+v", hits)
	}
	f.fail(t, exitNotFound, []string{"nothing"}, "search", "picture", "--collection", "nothing")
	f.fail(t, exitUnavailable, []string{"in use"}, "eval")
	server.checkAPI(t)

	started := time.Now()
	if code := server.stop(t, syscall.SIGTERM); code != exitSuccess {
		t.Errorf("SIGTERM ends the server with %d:\n%s", code, server.log())
	}
	if took := time.Since(started); took > 20*time.Second {
		t.Errorf("the end took %s", took)
	}
	if got := f.index(t, pictures); got.Progress.Unchanged != 8 {
		t.Errorf("after the server's end: %+v", got)
	}
	// Ready means that what was indexed before can be searched at once.
	second := f.serve(t)
	second.waitReady(t)
	second.get(t, "/api/v1/collections/c/search?q=picture", http.StatusOK)
	second.stop(t, syscall.SIGTERM)
}

// server is a running polylens serve.
type server struct {
	command *exec.Cmd
	address string
	stderr  string // path of its log
	ended   chan struct{}
}

var listens = regexp.MustCompile(`listens on https?://(\S+)`)

// serve starts a server on a free port and waits until it listens.
func (f folders) serve(t testing.TB, arguments ...string) *server {
	t.Helper()
	command := f.command(context.Background(), append([]string{"serve", "--addr", "127.0.0.1:0"}, arguments...)...)
	stderr, err := os.Create(filepath.Join(t.TempDir(), "serve.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	command.Stderr = stderr
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	s := &server{command: command, stderr: stderr.Name(), ended: make(chan struct{})}
	lines := bufio.NewScanner(stdout)
	if lines.Scan() {
		if found := listens.FindStringSubmatch(lines.Text()); found != nil {
			s.address = found[1]
		}
	}
	go func() {
		defer close(s.ended)
		for lines.Scan() { // a full pipe would stop the server
		}
		_ = command.Wait() // the exit code is read from its state
	}()
	t.Cleanup(func() { s.stop(t, syscall.SIGKILL) })
	if s.address == "" {
		t.Fatalf("the server does not listen:\n%s", s.log())
	}
	return s
}

func (s *server) log() string {
	text, err := os.ReadFile(s.stderr)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// stop sends a signal and waits for the end.
func (s *server) stop(t testing.TB, signal syscall.Signal) int {
	t.Helper()
	_ = s.command.Process.Signal(signal) // it may have ended
	select {
	case <-s.ended:
	case <-time.After(time.Minute):
		t.Fatalf("the server does not end:\n%s", s.log())
	}
	return s.command.ProcessState.ExitCode()
}

// get returns the body of a page, which must have this status.
func (s *server) get(t testing.TB, path string, status int) string {
	t.Helper()
	code, body := s.fetch(t, path)
	if code != status {
		t.Fatalf("GET %s answers %d, want %d: %.300s", path, code, status, body)
	}
	return body
}

func (s *server) fetch(t testing.TB, path string) (int, string) {
	t.Helper()
	client := http.Client{Timeout: 30 * time.Second}
	response, err := client.Get("http://" + s.address + path)
	if err != nil {
		t.Fatalf("%v\n%s", err, s.log())
	}
	defer response.Body.Close()
	var body strings.Builder
	if _, err := bufio.NewReader(response.Body).WriteTo(&body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, body.String()
}

func (s *server) waitReady(t testing.TB) {
	t.Helper()
	deadline := time.Now().Add(3 * time.Minute)
	for {
		if code, _ := s.fetch(t, "/readyz"); code == http.StatusOK {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not ready:\n%s", s.log())
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// checkAPI follows a hit to its picture through the API.
func (s *server) checkAPI(t testing.TB) {
	t.Helper()
	var answer struct {
		Hits []struct {
			ID       string
			Score    float64
			Metadata map[string]any
			Caption  struct{ Text string }
		}
	}
	body := s.get(t, `/api/v1/collections/c/search?q=picture&limit=3&filter={"field":"parity","eq":1}`, http.StatusOK)
	if err := json.Unmarshal([]byte(body), &answer); err != nil || len(answer.Hits) != 3 {
		t.Fatalf("%v in %s", err, body)
	}
	for _, hit := range answer.Hits {
		if hit.Metadata["parity"] != 1.0 || !strings.HasPrefix(hit.Caption.Text, "picture ") {
			t.Errorf("hit %+v", hit)
		}
	}
	image := "/api/v1/collections/c/images/" + answer.Hits[0].ID
	if small := s.get(t, image+"/thumbnail?size=64", http.StatusOK); !strings.HasPrefix(small, "\xff\xd8") {
		t.Errorf("thumbnail %.20q", small)
	}
	if again := s.get(t, image+"/thumbnail?size=64", http.StatusOK); !strings.HasPrefix(again, "\xff\xd8") {
		t.Errorf("kept thumbnail %.20q", again)
	}
	if original := s.get(t, image+"/original", http.StatusOK); !strings.HasPrefix(original, "\x89PNG") {
		t.Errorf("original %.20q", original)
	}
	if like := s.get(t, "/api/v1/collections/c/search?image="+answer.Hits[0].ID, http.StatusOK); strings.Contains(like, `"id":"`+answer.Hits[0].ID) {
		t.Errorf("an image is like itself: %s", like)
	}
	s.get(t, "/api/v1/collections/nothing/search?q=x", http.StatusNotFound)
	s.get(t, "/api/v1/collections/c/images/nothing", http.StatusNotFound)
	s.get(t, "/openapi.json", http.StatusOK)
}
