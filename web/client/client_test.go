package client_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/search"
	"polylens/web"
	"polylens/web/client"
	"polylens/web/webtest"
)

// TestClient: the same calls give the same over the network and to a handler in this
// process.
func TestClient(t *testing.T) {
	here := webtest.NewLibrary()
	jobs := webtest.NewJobs(here, time.Millisecond)
	t.Cleanup(jobs.Close)
	handler, err := web.New(webtest.Config(here, jobs))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(handler.Close)
	server := webtest.Serve(t, handler)
	for place, c := range map[string]*client.Client{"network": client.New(server.URL + "/"), "process": client.Of(handler.Inside())} {
		t.Run(place, func(t *testing.T) { calls(t, c, "from-"+place) })
	}
}

func calls(t *testing.T, c *client.Client, collection string) {
	ctx := t.Context()
	info, err := c.Info(ctx)
	if err != nil || info.Model.Fingerprint != webtest.Fingerprint {
		t.Errorf("info %+v, %v", info, err)
	}
	hits, err := c.Search(ctx, webtest.LibraryName, "boat", 3, search.GroupNone)
	if err != nil || len(hits) != 3 {
		t.Errorf("%d hits, %v", len(hits), err)
	}
	job, err := c.Index(ctx, collection, web.IndexOrder{Source: web.Source{Directory: t.TempDir()}})
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	if job, err = c.FollowJob(ctx, job, func(web.Job) { told++ }); err != nil || job.State != catalog.JobSucceeded || told == 0 {
		t.Errorf("followed %d times to %+v, %v", told, job, err)
	}
	listed, err := c.Jobs(ctx, catalog.JobFilter{Limit: 10})
	if err != nil || len(listed) == 0 {
		t.Errorf("jobs %+v, %v", listed, err)
	}
	if found, err := c.Collection(ctx, collection); err != nil || found.Images == 0 {
		t.Errorf("%+v, %v", found, err)
	}
}

// TestErrors: what the server refuses is the domain's error with the server's words,
// and says which part of the request was wrong.
func TestErrors(t *testing.T) {
	server := webtest.NewServer(t)
	c := client.New(server.URL)
	_, missing := c.Search(t.Context(), "nowhere", "boat", 3, search.GroupNone)
	if !errors.Is(missing, catalog.ErrCollectionNotFound) || !strings.Contains(missing.Error(), "nowhere") {
		t.Errorf("an unknown collection: %v", missing)
	}
	_, run := c.Run(t.Context(), "zz")
	if !errors.Is(run, catalog.ErrNotFound) {
		t.Errorf("an unknown run: %v", run)
	}
	_, limit := c.Search(t.Context(), webtest.LibraryName, "boat", 100000, search.GroupNone)
	if !errors.Is(limit, catalog.ErrInvalid) || !strings.Contains(limit.Error(), "limit") {
		t.Errorf("a limit that is too large: %v", limit)
	}
	_, gone := client.New("http://127.0.0.1:1").Info(t.Context())
	if !errors.Is(gone, search.ErrUnavailable) {
		t.Errorf("no server: %v", gone)
	}
}

// TestFollowStops: when the caller leaves, the job is canceled.
func TestFollowStops(t *testing.T) {
	server := webtest.NewServer(t)
	c := client.New(server.URL)
	job, err := c.Index(t.Context(), "slow", web.IndexOrder{Source: web.Source{Directory: t.TempDir()}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	if _, err := c.FollowJob(ctx, job, func(web.Job) { leave() }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	for range 200 {
		if job, err = c.Job(t.Context(), job.ID); err != nil || job.State.Finished() {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil || job.State != catalog.JobCanceled {
		t.Errorf("the job is %s, %v", job.State, err)
	}
}
