package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"polylens/internal/needs"
	"polylens/web"
)

// TestUploadOutlivesTheServer: the server is killed within a piece; what it had kept counts
// for the next one, to which the client sends the rest.
func TestUploadOutlivesTheServer(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	f := newFolders(t)
	shard := filepath.Join(t.TempDir(), "shard.tar")
	writeTar(t, shard, drawings(t, 6))
	content, err := os.ReadFile(shard)
	if err != nil {
		t.Fatal(err)
	}
	content = append(content, make([]byte, 20<<20)...) // tar ends with zeros
	server := f.serve(t)
	at := tusCall(t, server, http.MethodPost, "/api/v1/collections/shop/uploads", nil, "Upload-Length", fmt.Sprint(len(content))).Header.Get("Location")
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		_, _ = writer.Write(content[:18<<20]) // ends with the server
	}()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, "http://"+server.address+at, reader)
	if err != nil {
		t.Fatal(err)
	}
	request.ContentLength = int64(len(content))
	for name, value := range map[string]string{"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"} {
		request.Header.Set(name, value)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		if response, err := http.DefaultClient.Do(request); err == nil {
			_ = response.Body.Close() // it was killed before it had all
		}
	}()
	parts := filepath.Join(f.data, "pictures", "uploads", "parts", at[strings.LastIndex(at, "/")+1:], strings.Repeat("[0-9]", 16))
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if names, _ := filepath.Glob(parts); len(names) >= 2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing is kept")
		}
	}
	server.stop(t, syscall.SIGKILL)
	_ = writer.Close()
	<-over
	server = f.serve(t)
	server.waitReady(t)
	head := tusCall(t, server, http.MethodHead, at, nil)
	if head.Header.Get("Upload-Offset") != fmt.Sprint(16<<20) {
		t.Fatalf("%s bytes are kept", head.Header.Get("Upload-Offset"))
	}
	if r := tusCall(t, server, http.MethodPatch, at, content[16<<20:], "Upload-Offset", fmt.Sprint(16<<20)); r.StatusCode != http.StatusNoContent {
		t.Fatalf("got %s", r.Status)
	}
	job := objects[web.Job](t, server.post(t, "/api/v1/collections/shop/jobs", "application/json",
		fmt.Sprintf(`{"upload":%q}`, at[strings.LastIndex(at, "/")+1:]), http.StatusAccepted))[0]
	for deadline := time.Now().Add(time.Minute); !job.State.Finished() && time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		job = objects[web.Job](t, server.get(t, "/api/v1/jobs/"+job.ID, http.StatusOK))[0]
	}
	if job.Counts.Created != 6 || job.Counts.Failed != 0 {
		t.Errorf("%+v", job)
	}
	if r := tusCall(t, server, http.MethodHead, at, nil); r.StatusCode != http.StatusNotFound {
		t.Errorf("it is kept when it is used: %s", r.Status)
	}
}

// tusCall makes a request about uploads, with headers as names and values.
func tusCall(t *testing.T, server *server, method, path string, body []byte, headers ...string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+server.address+path, strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Tus-Resumable", "1.0.0")
	if method == http.MethodPatch {
		request.Header.Set("Content-Type", "application/offset+octet-stream")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close() // there is none
	return response
}
