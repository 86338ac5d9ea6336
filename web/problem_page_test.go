package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"polylens/web/webtest"
)

const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"

// TestRefusedBrowserGetsPage: who is refused the page reads why, as text, and gets nothing
// that could run.
func TestRefusedBrowserGetsPage(t *testing.T) {
	refusing, open := webtest.NewServer(t, from(stranger)), webtest.NewServer(t)
	for label, test := range map[string]struct {
		path   string
		header string
		status int
		words  string
	}{
		"another user": {refusing.URL + "/", "X-Any: 1", http.StatusForbidden, "--allow-user"},
		"a deep link":  {refusing.URL + "/jobs", "X-Any: 1", http.StatusForbidden, "--allow-user"},
		"another host": {open.URL + "/", "Host: pictures.example", http.StatusMisdirectedRequest, "--allowed-host"},
		"markup":       {open.URL + "/", "Host: a&b'c", http.StatusMisdirectedRequest, "a&b'c"},
		"nothing":      {open.URL + "/<b>.js", "X-Any: 1", http.StatusNotFound, "nothing is at /<b>.js"},
	} {
		t.Run(label, func(t *testing.T) {
			r := get(t, test.path, "Accept: "+browser, test.header)
			if r.status != test.status {
				t.Fatalf("status %d: %s", r.status, r.body)
			}
			if kind := r.header.Get("Content-Type"); kind != "text/html; charset=utf-8" {
				t.Errorf("Content-Type %q: %s", kind, r.body)
			}
			if policy := r.header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") {
				t.Errorf("Content-Security-Policy %q", policy)
			}
			checkPlainPage(t, r.body, test.words)
		})
	}
}

// checkPlainPage parses a page as browsers do: it must say the words, and have no element
// but those of a plain text.
func checkPlainPage(t *testing.T, page, words string) {
	t.Helper()
	parsed, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for node := range parsed.Descendants() {
		switch {
		case node.Type == html.TextNode:
			text.WriteString(node.Data)
		case node.Type == html.ElementNode && !slices.Contains([]string{"html", "head", "meta", "title", "body", "h1", "p"}, node.Data):
			t.Errorf("the page has <%s>: %s", node.Data, page)
		}
	}
	if !strings.Contains(text.String(), words) {
		t.Errorf("no %q in %s", words, page)
	}
}

// TestProgramsGetProblems: whoever does not ask for a page gets a problem, and so does
// everybody under the API.
func TestProgramsGetProblems(t *testing.T) {
	server := webtest.NewServer(t, from(stranger))
	for _, accept := range []string{"", "*/*", "application/json", "application/json, text/html", "text/html;q=0.5, application/problem+json", "text/html;q=0", "text/*"} {
		wantProblem(t, get(t, server.URL+"/", "Accept: "+accept), http.StatusForbidden, "other-user")
	}
	r := get(t, server.URL+"/api/v1/info", "Accept: "+browser)
	wantProblem(t, r, http.StatusForbidden, "other-user")
	if vary := get(t, server.URL+"/").header.Get("Vary"); vary != "Accept" {
		t.Errorf("Vary: %q", vary)
	}
}
