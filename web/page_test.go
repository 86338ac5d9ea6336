package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"polylens/web/webtest"
)

func TestPageIsServed(t *testing.T) {
	server := webtest.NewServer(t)
	entry := get(t, server.URL+"/")
	if entry.status != http.StatusOK || entry.header.Get("Content-Type") != "text/html; charset=utf-8" || entry.header.Get("Cache-Control") != "no-cache" {
		t.Fatalf("%d %v", entry.status, entry.header)
	}
	if deep := get(t, server.URL+"/some/deep/link?q=x"); deep.status != http.StatusOK || deep.body != entry.body {
		t.Errorf("deep link: %d", deep.status)
	}
	if again := get(t, server.URL+"/", "If-None-Match: "+entry.header.Get("ETag")); again.status != http.StatusNotModified {
		t.Errorf("unchanged: %d", again.status)
	}
	assets := regexp.MustCompile(`(?:src|href)="(/[^"]+)"`).FindAllStringSubmatch(entry.body, -1)
	if len(assets) < 4 {
		t.Fatalf("the page names %d files: %s", len(assets), entry.body)
	}
	for _, asset := range assets {
		r := get(t, server.URL+asset[1])
		wantCache := "no-cache"
		if strings.HasPrefix(asset[1], "/assets/") {
			wantCache = "public, max-age=31536000, immutable"
		}
		if r.status != http.StatusOK || r.header.Get("Cache-Control") != wantCache || strings.HasPrefix(r.header.Get("Content-Type"), "text/html") {
			t.Errorf("%s: %d %q %q", asset[1], r.status, r.header.Get("Cache-Control"), r.header.Get("Content-Type"))
		}
	}
	wantProblem(t, get(t, server.URL+"/assets/gone-12345678.js"), http.StatusNotFound, "not-found")
	wantProblem(t, get(t, server.URL+"/..%2f..%2fgo.mod"), http.StatusNotFound, "not-found")
	wantProblem(t, send(t, http.MethodPost, server.URL+"/", ""), http.StatusMethodNotAllowed, "method-not-allowed")
	if head := send(t, http.MethodHead, server.URL+"/", ""); head.status != http.StatusOK || head.body != "" {
		t.Errorf("HEAD: %d %q", head.status, head.body)
	}
}
