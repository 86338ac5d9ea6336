package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/internal/disk"
	"polylens/web"
	"polylens/web/webtest"
)

// lost are the names of the collections whose index is lost.
type lost map[string]bool

func (l lost) Lost(c catalog.Collection) bool { return l[c.Name] }
func (l lost) AnyLost() bool                  { return len(l) > 0 }

// listing is jobs of which this one is listed.
type listing struct {
	*webtest.Jobs
	t   *testing.T
	job catalog.Job
}

func (l listing) List(_ context.Context, filter catalog.JobFilter) ([]catalog.Job, error) {
	if filter.Kind != indexer.JobRebuild || filter.Collection != l.job.Collection {
		l.t.Errorf("asked for %+v", filter)
	}
	return []catalog.Job{l.job}, nil
}

// A collection whose index is lost says so, and how far it is filled again. Searches are
// ready as long as others can be answered.
func TestLostCollection(t *testing.T) {
	progress, err := json.Marshal(indexer.Progress{Done: 7, Total: 90})
	if err != nil {
		t.Fatal(err)
	}
	job := catalog.Job{ID: "r", Kind: indexer.JobRebuild, Collection: webtest.LibraryName, State: catalog.JobRunning, Progress: progress}
	server := webtest.NewServer(t, func(c *web.Config) {
		c.Losses, c.Jobs = lost{webtest.LibraryName: true}, listing{c.Jobs.(*webtest.Jobs), t, job}
	})
	found := as[web.Collection](t, get(t, server.URL+"/api/v1/collections/"+webtest.LibraryName))
	if found.Searchable || found.Rebuild == nil || found.Rebuild.Job != "r" || found.Rebuild.Done != 7 || found.Rebuild.Total != found.Images || found.Rebuild.State != catalog.JobRunning {
		t.Errorf("%+v %+v", found, found.Rebuild)
	}
	all := as[struct{ Collections []web.Collection }](t, get(t, server.URL+"/api/v1/collections")).Collections
	others := 0
	for _, c := range all {
		if c.Name != webtest.LibraryName && c.Images > 0 {
			others++
		}
		if c.Name != webtest.LibraryName && c.Rebuild != nil {
			t.Errorf("%+v", c)
		}
	}
	ready := get(t, server.URL+"/readyz")
	if others > 0 && (ready.status != 200 || !strings.HasPrefix(ready.body, "ready\n")) || !strings.Contains(ready.body, "7 of") {
		t.Errorf("%d others, readyz: %+v", others, ready)
	}
}

// When nothing can be found at all, searches are not ready.
func TestAllCollectionsLost(t *testing.T) {
	job := catalog.Job{Kind: indexer.JobRebuild, Collection: webtest.LibraryName, State: catalog.JobSucceeded}
	server := webtest.NewServer(t, func(c *web.Config) {
		c.Losses, c.Jobs = everything{}, listing{c.Jobs.(*webtest.Jobs), t, job}
	})
	r := get(t, server.URL+"/readyz")
	wantProblem(t, r, 503, "unavailable")
	if !strings.Contains(r.body, "was lost") {
		t.Errorf("readyz: %s", r.body)
	}
	found := as[web.Collection](t, get(t, server.URL+"/api/v1/collections/"+webtest.LibraryName))
	if found.Rebuild == nil || found.Rebuild.Job != "" {
		t.Errorf("a job that is done fills nothing: %+v", found.Rebuild)
	}
}

type everything struct{}

func (everything) Lost(catalog.Collection) bool { return true }
func (everything) AnyLost() bool                { return true }

// full is jobs on a full disk.
type full struct{ *webtest.Jobs }

func (f full) Get(ctx context.Context, id string) (catalog.Job, error) {
	return catalog.Job{ID: id, Kind: indexer.JobIndex, State: catalog.JobQueued, Problem: "disk full"}, nil
}

func (full) Retry(context.Context, string) (catalog.Job, error) {
	return catalog.Job{}, fmt.Errorf("change job: %w", &disk.FullError{Folder: "/data", Free: 5e6, Needed: 192e6})
}

// What keeps a job from going on is shown, and an order that a full disk prevents says so.
func TestFullDisk(t *testing.T) {
	server := webtest.NewServer(t, func(c *web.Config) { c.Jobs = full{c.Jobs.(*webtest.Jobs)} })
	if job := as[web.Job](t, get(t, server.URL+"/api/v1/jobs/1")); job.Problem != "disk full" {
		t.Errorf("%+v", job)
	}
	r := send(t, "POST", server.URL+"/api/v1/jobs/1/retry", "")
	wantProblem(t, r, 507, "disk-full")
	for _, words := range []string{"/data", "5 MB", "192 MB", "make room"} {
		if !strings.Contains(r.body, words) {
			t.Errorf("the answer lacks %q: %s", words, r.body)
		}
	}
}
