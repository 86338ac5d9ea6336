package web_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"polylens/web"
	"polylens/web/webtest"
)

// TestLongPushesAreAnswered, though their bodies take longer than the server has for the
// answers to all others.
func TestLongPushesAreAnswered(t *testing.T) {
	library := webtest.NewLibrary()
	jobs := webtest.NewJobs(library, 0)
	t.Cleanup(jobs.Close)
	handler, err := web.New(webtest.Config(library, jobs))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(handler.Close)
	server := httptest.NewUnstartedServer(handler)
	server.Config.ConnContext, server.Config.WriteTimeout = handler.ConnContext, 200*time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	lines, write := io.Pipe()
	go func() {
		time.Sleep(600 * time.Millisecond)
		_, _ = io.WriteString(write, "{}\n")
		write.Close()
	}()
	response, err := http.Post(server.URL+"/api/v1/collections/demo/jobs", "application/x-ndjson", lines)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusAccepted {
		t.Errorf("%d", response.StatusCode)
	}
}
