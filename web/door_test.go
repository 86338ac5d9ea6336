package web_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/user"
	"strconv"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"polylens/indexer"
	"polylens/internal/peer"
	"polylens/web"
	"polylens/web/webtest"
)

// stranger is a user who is neither root nor the one who runs the tests.
var stranger = os.Geteuid() + 4711

// from makes all connections a user's.
func from(user int) func(*web.Config) {
	return func(c *web.Config) { c.Owner = func(net.Conn) (int, error) { return user, nil } }
}

// unknown makes all connections nobody's.
func unknown(c *web.Config) {
	c.Owner = func(net.Conn) (int, error) { return 0, fmt.Errorf("test: %w", peer.ErrUnknown) }
}

// hostName is the user who runs the tests, as the server names its own.
func hostName(t *testing.T) string {
	t.Helper()
	known, err := user.LookupId(strconv.Itoa(os.Geteuid()))
	if err != nil {
		return "user " + strconv.Itoa(os.Geteuid())
	}
	return known.Username
}

// everyPath is a path of each part of the server, with the method that it answers.
var everyPath = [][2]string{
	{"GET", "/"}, {"GET", "/deep/link"}, {"GET", "/favicon.svg"}, {"GET", "/nothing.js"}, {"GET", "/openapi.json"}, {"GET", "/readyz"},
	{"GET", "/api/v1/info"}, {"GET", "/api/v1/collections"}, {"GET", "/api/v1/nothing"}, {"POST", "/api/v1/collections"}, {"PUT", "/api/v1/info"},
	{"GET", "/api/v1/collections/demo/search?q=boat"}, {"GET", "/api/v1/collections/demo/images/boat-2/original"},
	{"GET", "/api/v1/collections/demo/images/boat-2/thumbnail"}, {"DELETE", "/api/v1/collections/demo"}, {"HEAD", "/"}, {"OPTIONS", "/api/v1/info"},
	{"POST", "/api/v1/collections/demo/jobs"}, {"GET", "/api/v1/jobs/events"}, {"GET", "/api/v1/runs/events"}, {"POST", "/api/v1/runs"},
	{"GET", "/%68ealthz"}, {"GET", "//healthz"}, {"GET", "/healthz/"}, {"GET", "/healthz/../api/v1/info"}, {"GET", "/api/v1/info?/healthz"},
}

func TestStrangersAreRefused(t *testing.T) {
	for label, test := range map[string]struct {
		who   func(*web.Config)
		words string
	}{
		"another user": {from(stranger), "--allow-user " + strconv.Itoa(stranger)},
		"nobody":       {unknown, "--allow-user '*'"},
		"an error that says root": {func(c *web.Config) {
			c.Owner = func(net.Conn) (int, error) { return 0, errors.ErrUnsupported }
		}, "--allow-user '*'"},
	} {
		t.Run(label, func(t *testing.T) {
			server := webtest.NewServer(t, test.who)
			for _, call := range everyPath {
				r := send(t, call[0], server.URL+call[1], "")
				if call[0] == http.MethodHead {
					if r.status != http.StatusForbidden {
						t.Errorf("%s %s: %d", call[0], call[1], r.status)
					}
					continue
				}
				wantProblem(t, r, http.StatusForbidden, "other-user")
				if !strings.Contains(r.body, test.words) || !strings.Contains(r.body, hostName(t)) {
					t.Errorf("%s %s: no remedy in %s", call[0], call[1], r.body)
				}
			}
			if r := get(t, server.URL+"/healthz"); r.status != http.StatusOK || r.body != "alive\n" {
				t.Errorf("a monitor gets %d %s", r.status, r.body)
			}
			for _, path := range []string{"/api/v1/jobs/events", "/api/v1/runs/events"} {
				connection, response, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http")+path, nil)
				if err == nil {
					connection.Close()
					t.Errorf("%s lets a stranger listen", path)
				} else if response == nil || response.StatusCode != http.StatusForbidden {
					t.Errorf("%s: %+v, %v", path, response, err)
				}
			}
		})
	}
}

// TestWhoIsLetIn: guests see the pictures; only the server's own user and root name
// folders.
func TestWhoIsLetIn(t *testing.T) {
	guests := func(guests web.Guests) func(*web.Config) { return func(c *web.Config) { c.Guests = guests } }
	for label, test := range map[string]struct {
		change  []func(*web.Config)
		folders bool
	}{
		"its own user, as the system says": {nil, true},
		"its own user":                     {[]func(*web.Config){from(os.Geteuid())}, true},
		"root":                             {[]func(*web.Config){from(0)}, true},
		"a guest":                          {[]func(*web.Config){from(stranger), guests(web.Guests{Users: []int{1, stranger}})}, false},
		"everybody":                        {[]func(*web.Config){from(stranger), guests(web.Guests{Everybody: true})}, false},
		"everybody, where nobody is known": {[]func(*web.Config){unknown, guests(web.Guests{Everybody: true})}, false},
		"the network":                      {[]func(*web.Config){unknown, guests(web.Guests{Network: true})}, false},
		"its own user, in a server for the network": {[]func(*web.Config){from(os.Geteuid()), guests(web.Guests{Network: true})}, true},
	} {
		t.Run(label, func(t *testing.T) {
			server := webtest.NewServer(t, test.change...)
			if r := get(t, server.URL+"/api/v1/collections/demo/images/boat-2/original"); r.status != http.StatusOK {
				t.Fatalf("%d %s", r.status, r.body)
			}
			if info := as[web.Info](t, get(t, server.URL+"/api/v1/info")); info.Folders != test.folders {
				t.Errorf("the page is told %v of folders", info.Folders)
			}
			r := send(t, http.MethodPost, server.URL+"/api/v1/collections/x/jobs", fmt.Sprintf(`{"source":{"directory":%q}}`, t.TempDir()), jsonType)
			if test.folders {
				if r.status != http.StatusAccepted {
					t.Errorf("a folder: %d %s", r.status, r.body)
				}
				return
			}
			wantProblem(t, r, http.StatusForbidden, "forbidden")
			if !strings.Contains(r.body, "polylens index") || !strings.Contains(r.body, hostName(t)) {
				t.Errorf("no remedy: %s", r.body)
			}
		})
	}
}

// TestGuestsBeginNoFoldersAgain: a job that is tried again looks into whatever lies in its
// folder's place by then.
func TestGuestsBeginNoFoldersAgain(t *testing.T) {
	server := webtest.NewServer(t, from(stranger), func(c *web.Config) { c.Guests.Everybody = true })
	job, err := server.Jobs.Index(t.Context(), "x", indexer.JobParams{Directory: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"retry", "resume"} {
		wantProblem(t, send(t, http.MethodPost, server.URL+"/api/v1/jobs/"+job.ID+"/"+verb, ""), http.StatusForbidden, "forbidden")
		wantProblem(t, send(t, http.MethodPost, server.URL+"/api/v1/jobs/nothing/"+verb, ""), http.StatusNotFound, "not-found")
	}
	if r := send(t, http.MethodDelete, server.URL+"/api/v1/jobs/"+job.ID, ""); r.status != http.StatusOK && r.status != http.StatusConflict {
		t.Errorf("a guest may cancel it: %d %s", r.status, r.body)
	}
}

// TestGuestsAreNotOthers: a guest's number lets nobody else in.
func TestGuestsAreNotOthers(t *testing.T) {
	server := webtest.NewServer(t, from(stranger), func(c *web.Config) { c.Guests.Users = []int{stranger + 1} })
	wantProblem(t, get(t, server.URL+"/"), http.StatusForbidden, "other-user")
	nobody := webtest.NewServer(t, unknown, func(c *web.Config) { c.Guests.Users = []int{0} })
	wantProblem(t, get(t, nobody.URL+"/"), http.StatusForbidden, "other-user")
}

// TestOwnerIsAskedOnceForEachConnection, and never for each request.
func TestOwnerIsAskedOnceForEachConnection(t *testing.T) {
	asked := 0
	server := webtest.NewServer(t, func(c *web.Config) {
		c.Owner = func(net.Conn) (int, error) { asked++; return os.Geteuid(), nil } // by the one goroutine that accepts
	})
	client := http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}}
	defer client.CloseIdleConnections()
	for range 20 {
		response, err := client.Get(server.URL + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, response.Body) // or the connection is not used again
		if err := errors.Join(err, response.Body.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times for one connection", asked)
	}
}

// TestHandlerWithoutConnectionsKnowsNobody: whoever serves the handler has to say whose
// the connections are.
func TestHandlerWithoutConnectionsKnowsNobody(t *testing.T) {
	library := webtest.NewLibrary()
	jobs := webtest.NewJobs(library, 0)
	t.Cleanup(jobs.Close)
	handler, err := web.New(webtest.Config(library, jobs))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(handler.Close)
	forgotten := http.Server{Handler: handler}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = forgotten.Serve(listener) }()
	defer forgotten.Close()
	wantProblem(t, get(t, "http://"+listener.Addr().String()+"/"), http.StatusForbidden, "other-user")
}

// BenchmarkDoor measures what it costs to know whose a connection is: "none" asks
// nobody.
func BenchmarkDoor(b *testing.B) {
	for label, owner := range map[string]func(net.Conn) (int, error){
		"none": func(net.Conn) (int, error) { return os.Geteuid(), nil }, "asked": peer.Owner,
	} {
		server := webtest.NewServer(b, func(c *web.Config) { c.Owner = owner })
		for connections, kept := range map[string]bool{"kept": true, "new": false} {
			client := http.Client{Transport: &http.Transport{DisableKeepAlives: !kept}}
			b.Run(label+"/"+connections, func(b *testing.B) {
				for b.Loop() {
					response, err := client.Get(server.URL + "/api/v1/collections/demo/search?q=boat&limit=10")
					if err != nil {
						b.Fatal(err)
					}
					_, err = io.Copy(io.Discard, response.Body)
					if err := errors.Join(err, response.Body.Close()); err != nil {
						b.Fatal(err)
					}
				}
			})
			client.CloseIdleConnections()
		}
	}
}
