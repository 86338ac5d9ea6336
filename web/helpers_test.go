package web_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// reply is an answer, read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// send makes a request with headers given as "Name: value".
func send(t *testing.T, method, url, body string, headers ...string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
		if name == "Host" {
			request.Host = value
		}
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{status: response.StatusCode, header: response.Header, body: string(content)}
}

func get(t *testing.T, url string, headers ...string) reply {
	t.Helper()
	return send(t, http.MethodGet, url, "", headers...)
}

// as reads a JSON body.
func as[T any](t *testing.T, r reply) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(r.body), &value); err != nil {
		t.Fatalf("%v in %d %s", err, r.status, r.body)
	}
	return value
}

type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// wantProblem checks an answer that is not a success.
func wantProblem(t *testing.T, r reply, status int, kind string) {
	t.Helper()
	if r.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("status %d comes as %q: %s", r.status, r.header.Get("Content-Type"), r.body)
		return
	}
	p := as[problem](t, r)
	if r.status != status || p.Status != status || p.Type != "urn:polylens:problem:"+kind || p.Title == "" || p.Detail == "" {
		t.Errorf("got %d %+v, want %d %s", r.status, p, status, kind)
	}
}
