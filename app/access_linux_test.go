package main

import (
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"polylens/internal/needs"
	"polylens/web/webtest"
)

// TestServeForTheNetwork: the commands of its own user go on to work with a server that
// the network may reach, and nobody else names folders.
func TestServeForTheNetwork(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	f := newFolders(t)
	server := f.serve(t, "--addr", "0.0.0.0:0", "--insecure-allow-network", "--allowed-host", "photos.example.org")
	_, port, err := net.SplitHostPort(server.address)
	if err != nil {
		t.Fatal(err)
	}
	server.get(t, "/healthz", http.StatusMisdirectedRequest)
	server.address = net.JoinHostPort("127.0.0.1", port)
	server.waitReady(t)
	pictures := t.TempDir()
	drawFolder(t, pictures, 1, 3)
	if got := f.index(t, pictures); got.Progress.Indexed != 3 {
		t.Errorf("%+v", got)
	}
	if hits := objects[hit](t, f.succeed(t, "search", "picture", "--collection", "c", "--json")); len(hits) != 3 {
		t.Errorf("%d hits", len(hits))
	}
	client, isOther := webtest.ClientOf(t, 65534)
	want := map[bool]int{true: http.StatusForbidden, false: http.StatusAccepted}[isOther]
	response, err := client.Post("http://"+server.address+"/api/v1/collections/c/jobs", "application/json", strings.NewReader(`{"source":{"directory":"`+pictures+`"}}`))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != want {
		t.Errorf("another user's folder: %d, want %d", response.StatusCode, want)
	}
	server.stop(t, syscall.SIGTERM)
	f.serve(t).checkOthers(t)
}

// checkOthers asks a server for the loopback interface as another user.
func (s *server) checkOthers(t *testing.T) {
	t.Helper()
	client, isOther := webtest.ClientOf(t, 65534)
	want := map[bool]int{true: http.StatusForbidden, false: http.StatusOK}[isOther]
	for _, path := range []string{"/", "/api/v1/collections", "/api/v1/info", "/openapi.json"} {
		response, err := client.Get("http://" + s.address + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("another user gets %d from %s, want %d", response.StatusCode, path, want)
		}
	}
}
