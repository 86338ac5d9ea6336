package main

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/internal/disk"
	"polylens/internal/disktest"
	"polylens/internal/needs"
	"polylens/web"
)

// TestServeOnFullDisk: when the disk is full, jobs say so and wait, one that waits can be
// canceled, searches go on, and with room again everything goes on by itself. A server
// that is started on a full disk says so as well, and comes to life.
func TestServeOnFullDisk(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	disktest.Run(t, enoughDisk, func(t *testing.T, d disktest.Disk) {
		f, pictures := folders{data: filepath.Join(d.Folder, "data")}, t.TempDir()
		drawFolder(t, pictures, 1, 12)
		f.index(t, pictures)
		f.succeed(t, "index", pictures, "--collection", "c2")
		s := f.serve(t)
		s.waitReady(t)
		drawFolder(t, pictures, 13, 20)
		s.indexOnFullDisk(t, d, pictures)
		s.searchOnFullDisk(t, d)
		s.stop(t, 9)
		f.startOnFullDisk(t, d)
	})
}

// orderIndex queues a job that indexes a folder.
func (s *server) orderIndex(t *testing.T, pictures string) web.Job {
	t.Helper()
	order, err := json.Marshal(web.IndexOrder{Source: web.Source{Directory: pictures}})
	if err != nil {
		t.Fatal(err)
	}
	return s.send(t, http.MethodPost, "/api/v1/collections/c/jobs", string(order), http.StatusAccepted)
}

// send makes a request about a job.
func (s *server) send(t *testing.T, method, path, body string, status int) web.Job {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var job web.Job
	if err := json.NewDecoder(response.Body).Decode(&job); err != nil || response.StatusCode != status {
		t.Fatalf("%s %s answers %d, %v", method, path, response.StatusCode, err)
	}
	return job
}

// waitJob waits until a job is right.
func (s *server) waitJob(t *testing.T, id, what string, right func(web.Job) bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		var job web.Job
		if err := json.Unmarshal([]byte(s.get(t, "/api/v1/jobs/"+id, http.StatusOK)), &job); err != nil {
			t.Fatal(err)
		}
		if right(job) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not %s: %+v\n%s", what, job, s.log())
		}
	}
}

// wantHits expects a search to find so many pictures.
func (s *server) wantHits(t *testing.T, count int) {
	t.Helper()
	if body := s.get(t, "/api/v1/collections/c/search?q=picture&limit=100", http.StatusOK); strings.Count(body, `"score"`) != count {
		t.Errorf("want %d hits: %s", count, body)
	}
}

func (s *server) indexOnFullDisk(t *testing.T, d disktest.Disk, pictures string) {
	t.Helper()
	d.Leave(t, disk.Low/2)
	waiting := func(job web.Job) bool {
		return job.State == catalog.JobQueued && strings.Contains(job.Problem, "disk full") && strings.Contains(job.Problem, d.Folder) && strings.Contains(job.Problem, "needed")
	}
	first, second := s.orderIndex(t, pictures), s.orderIndex(t, pictures)
	s.waitJob(t, first.ID, "waiting for room", waiting)
	s.waitJob(t, second.ID, "waiting for room", waiting)
	s.wantHits(t, 12)
	s.send(t, http.MethodDelete, "/api/v1/jobs/"+second.ID, "", http.StatusOK)
	s.waitJob(t, second.ID, "canceled", func(job web.Job) bool { return job.State == catalog.JobCanceled && job.Problem == "" })
	d.Resize(t, enoughDisk)
	s.waitJob(t, first.ID, "done", func(job web.Job) bool { return job.State == catalog.JobSucceeded && job.Problem == "" })
	s.wantHits(t, 20)
}

// searchOnFullDisk leaves no byte.
func (s *server) searchOnFullDisk(t *testing.T, d disktest.Disk) {
	t.Helper()
	d.Leave(t, 0)
	s.wantHits(t, 20)
	var answer struct{ Hits []struct{ ID string } }
	if err := json.Unmarshal([]byte(s.get(t, "/api/v1/collections/c/search?q=picture", http.StatusOK)), &answer); err != nil {
		t.Fatal(err)
	}
	if small := s.get(t, "/api/v1/collections/c/images/"+answer.Hits[0].ID+"/thumbnail?size=256", http.StatusOK); !strings.HasPrefix(small, "\xff\xd8") {
		t.Errorf("thumbnail %.20q", small)
	}
	s.get(t, "/healthz", http.StatusOK)
	if code := s.ask(t, http.MethodDelete, "/api/v1/collections/c2"); code != http.StatusNoContent {
		t.Errorf("a collection is deleted with %d:\n%s", code, s.log())
	}
	s.get(t, "/api/v1/collections/c2", http.StatusNotFound)
}

// ask is the status of an answer without a body.
func (s *server) ask(t *testing.T, method, path string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.address+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

// startOnFullDisk starts a server on a disk without room.
func (f folders) startOnFullDisk(t *testing.T, d disktest.Disk) {
	t.Helper()
	d.Leave(t, 3<<20) // the catalogue opens
	s := f.serve(t)
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if code, words := s.fetch(t, "/readyz"); code == http.StatusServiceUnavailable && strings.Contains(words, "disk full") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("readyz does not tell:\n%s", s.log())
		}
	}
	s.get(t, "/api/v1/collections/c", http.StatusOK)
	d.Resize(t, enoughDisk)
	s.waitReady(t)
	s.wantHits(t, 20)
	if code := s.stop(t, 15); code != exitSuccess {
		t.Errorf("it ended with %d:\n%s", code, s.log())
	}
}
