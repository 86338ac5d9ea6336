package webtest

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/web"
)

// Server serves a Library for the length of a test.
type Server struct {
	URL     string
	Library *Library
	Jobs    *Jobs
	Runs    *Runs
}

// NewServer starts one. change may alter the configuration first.
func NewServer(t testing.TB, change ...func(*web.Config)) *Server {
	t.Helper()
	library := NewLibrary()
	jobs := NewJobs(library, 30*time.Millisecond)
	runs := NewRuns(10 * time.Millisecond)
	config := Config(library, jobs)
	config.Runs, config.Trainer = runs, runs
	config.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	for _, alter := range change {
		alter(&config)
	}
	handler, err := web.New(config)
	if err != nil {
		t.Fatal(err)
	}
	server := serve(t, documented(t, handler), handler)
	t.Cleanup(func() {
		jobs.Close()
		runs.Close()
		handler.Close()
	})
	return &Server{URL: server.URL, Library: library, Jobs: jobs, Runs: runs}
}

// Config is a complete configuration over a library.
func Config(library *Library, jobs *Jobs) web.Config {
	return web.Config{
		Search: library.Search(), Catalog: library.Catalog(), Indexer: library.Indexer(),
		Searchable: func(catalog.Collection) bool { return true },
		Pictures:   library.Pictures(), Jobs: jobs, Documents: library.Documents(), Pushes: jobs, Uploads: jobs.Uploads, Sources: NewSources(jobs),
		Decode: Decode, Ready: func(context.Context) error { return nil },
		Info: web.Info{Version: "test", Demo: LibraryName, Model: web.ModelInfo{
			Name: "polylens-mini", Fingerprint: Fingerprint, Dimension: Encoder{}.Dimension(), Bundled: true, MaxNumPatches: 256,
		}},
	}
}

// Serve serves a handler for the length of a test.
func Serve(t testing.TB, handler *web.Handler) *httptest.Server {
	t.Helper()
	return serve(t, handler, handler)
}

// serve serves a handler by way of another that is around it.
func serve(t testing.TB, around http.Handler, handler *web.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(around)
	server.Config.ConnContext = handler.ConnContext
	server.Start()
	t.Cleanup(server.Close)
	return server
}
