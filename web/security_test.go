package web_test

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"polylens/internal/peer"
	"polylens/web"
	"polylens/web/webtest"
)

func TestHostsAreChecked(t *testing.T) {
	local := webtest.NewServer(t)
	port := local.URL[strings.LastIndex(local.URL, ":"):]
	for host, allowed := range map[string]bool{
		"localhost": true, "LOCALHOST" + port: true, "127.0.0.1" + port: true, "[::1]" + port: true, "[::1]": true,
		"evil.example": false, "evil.example" + port: false, "localhost.evil.example": false, "127.0.0.1.evil.example": false, "192.168.0.7": false,
	} {
		for _, path := range []string{"/", "/api/v1/collections", "/healthz", "/api/v1/jobs/events"} {
			r := get(t, local.URL+path, "Host: "+host)
			if refused := r.status == http.StatusMisdirectedRequest; refused == allowed {
				t.Errorf("Host %s, %s: %d", host, path, r.status)
			}
			if !allowed {
				wantProblem(t, r, http.StatusMisdirectedRequest, "wrong-host")
			}
		}
	}
	named := webtest.NewServer(t, func(c *web.Config) {
		c.Guests.Network, c.AllowedHosts = true, []string{"pictures.example", "192.0.2.7", "2001:db8::7"}
	})
	for host, allowed := range map[string]bool{
		"pictures.example": true, "Pictures.Example:80": true, "192.0.2.7": true, "[2001:db8:0::7]:80": true, "localhost" + port: true, "127.0.0.1": true,
		"evil.example": false, "pictures.example.evil.example": false, "a.pictures.example": false, "192.0.2.8": false, "[2001:db8::8]": false,
	} {
		r := get(t, named.URL+"/api/v1/collections", "Host: "+host)
		if refused := r.status == http.StatusMisdirectedRequest; refused == allowed {
			t.Errorf("a server for the network, Host %s: %d", host, r.status)
		}
		if !allowed && !strings.Contains(r.body, "pictures.example") {
			t.Errorf("no remedy: %s", r.body)
		}
	}
}

// open makes a server one for the network, whose clients are elsewhere.
func open(c *web.Config) {
	c.Guests.Network, c.Owner = true, func(net.Conn) (int, error) { return 0, peer.ErrUnknown }
}

func TestOtherOriginsChangeNothing(t *testing.T) {
	server := webtest.NewServer(t)
	base := server.URL + "/api/v1"
	for label, header := range map[string]string{
		"fetch from elsewhere": "Sec-Fetch-Site: cross-site",
		"form from elsewhere":  "Origin: https://evil.example",
		"another port":         "Sec-Fetch-Site: same-site",
		"sandboxed":            "Origin: null",
	} {
		for _, call := range [][2]string{
			{http.MethodPost, "/collections"}, {http.MethodDelete, "/collections/demo"}, {http.MethodPatch, "/collections/demo"},
			{http.MethodPost, "/collections/x/jobs"}, {http.MethodPost, "/collections/demo/search"},
		} {
			r := send(t, call[0], base+call[1], `{"name":"x"}`, "Content-Type: application/json", header)
			wantProblem(t, r, http.StatusForbidden, "cross-origin")
			if t.Failed() {
				t.Fatalf("%s: %s %s", label, call[0], call[1])
			}
		}
	}
	if r := send(t, http.MethodPost, base+"/collections", `{"name":"x"}`, "Content-Type: application/json", "Sec-Fetch-Site: same-origin"); r.status != http.StatusCreated {
		t.Errorf("the page itself: %d %s", r.status, r.body)
	}
}

func TestNobodyElseMayReadIt(t *testing.T) {
	server := webtest.NewServer(t)
	r := get(t, server.URL+"/api/v1/collections", "Origin: https://evil.example")
	for name := range r.header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("%s: %s", name, r.header.Get(name))
		}
	}
}

func TestFoldersOnlyWhereAllowed(t *testing.T) {
	server := webtest.NewServer(t, open)
	r := send(t, http.MethodPost, server.URL+"/api/v1/collections/x/jobs", `{"source":{"directory":"/"}}`, "Content-Type: application/json")
	wantProblem(t, r, http.StatusForbidden, "forbidden")
	if info := as[web.Info](t, get(t, server.URL+"/api/v1/info")); info.Folders {
		t.Error("the page is told that folders may be indexed")
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	server := webtest.NewServer(t)
	for _, path := range []string{"/", "/deep/link", "/openapi.json", "/api/v1/collections", "/api/v1/nothing", "/nothing.js", "/healthz"} {
		r := get(t, server.URL+path)
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
			"Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if !strings.HasPrefix(r.header.Get(name), want) {
				t.Errorf("%s: %s is %q", path, name, r.header.Get(name))
			}
		}
		if strings.Contains(r.header.Get("Content-Security-Policy"), "unsafe") {
			t.Errorf("%s: the policy allows inline code", path)
		}
	}
}

func TestConfigMustBeComplete(t *testing.T) {
	_, err := web.New(web.Config{})
	if err == nil || !strings.Contains(err.Error(), "Catalog") || !strings.Contains(err.Error(), "Ready") {
		t.Errorf("got %v", err)
	}
}
