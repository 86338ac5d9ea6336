package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"polylens/web/webtest"
)

// TestReadingWhatIsDeleted: whatever is asked of a collection while it gets other names,
// is deleted and comes back, the answer is what was asked for or that it is not there.
func TestReadingWhatIsDeleted(t *testing.T) {
	h, pictures := newHouse(t)
	x := h.open(t)
	handler, err := x.handler(handlerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(handler.Close)
	server := webtest.Serve(t, handler)
	c := caller{t, server.URL + "/api/v1/"}
	indexed(t, x, pictures, "c")
	_, listed := c.ask(http.MethodGet, "collections/c/images", "")
	_, id, _ := strings.Cut(listed, `"id":"`)
	id, _, _ = strings.Cut(id, `"`)
	picture, err := os.ReadFile(anyFile(t, pictures))
	if err != nil {
		t.Fatal(err)
	}
	reads := [][3]string{
		{http.MethodGet, "", ""}, {http.MethodGet, "/images", ""}, {http.MethodGet, "/failures", ""}, {http.MethodGet, "/images/" + id, ""},
		{http.MethodGet, "/images/" + id + "/original", ""}, {http.MethodGet, "/images/" + id + "/thumbnail", ""},
		{http.MethodGet, "/search?q=picture&group=content", ""}, {http.MethodGet, "/search?image=" + id, ""},
		{http.MethodGet, `/search?q=picture&filter={"field":"width","ge":1}`, ""}, {http.MethodPost, "/search", string(picture)},
		{http.MethodPost, "/checks", ""},
	}
	done := make(chan struct{})
	var reading sync.WaitGroup
	for _, read := range reads {
		reading.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					c.wantNoFailure(read[0], "collections/c"+read[1], read[2])
					c.wantNoFailure(http.MethodGet, "jobs?collection=c", "")
				}
			}
		})
	}
	for range 5 { // checks and indexing stand in the way of some
		c.until(http.StatusOK, http.MethodPatch, "collections/c", `{"name":"d"}`)
		c.until(http.StatusOK, http.MethodPatch, "collections/d", `{"name":"c"}`)
		c.until(http.StatusNoContent, http.MethodDelete, "collections/c", "")
		c.until(http.StatusAccepted, http.MethodPost, "collections/c/jobs", `{"source":{"directory":"`+pictures+`"}}`)
	}
	close(done)
	reading.Wait()
}

func anyFile(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", folder, err)
	}
	return files[0]
}

// caller asks an API.
type caller struct {
	t    *testing.T
	base string
}

func (c caller) ask(method, path, body string) (status int, answer string) {
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.base+strings.NewReplacer(`"`, "%22", "{", "%7B", "}", "%7D").Replace(path), strings.NewReader(body))
	if err != nil {
		c.t.Error(err)
		return 0, ""
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		c.t.Error(err)
		return 0, ""
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Error(err)
	}
	return response.StatusCode, string(content)
}

// wantNoFailure takes every answer but one that blames the server.
func (c caller) wantNoFailure(method, path, body string) (status int) {
	status, answer := c.ask(method, path, body)
	if status >= http.StatusInternalServerError {
		c.t.Errorf("%s %s: %d %s", method, path, status, answer)
	}
	return status
}

// until repeats a request until it is answered with a status.
func (c caller) until(status int, method, path, body string) {
	for end := time.Now().Add(time.Minute); c.wantNoFailure(method, path, body) != status; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("%s %s is never answered with %d", method, path, status)
		}
	}
}
