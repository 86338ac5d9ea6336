package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/web"
	"polylens/web/webtest"
)

// TestDryRun: whatever way a job is ordered, it may be planned only.
func TestDryRun(t *testing.T) {
	server := webtest.NewServer(t)
	jobs := server.URL + "/api/v1/collections/shop/jobs"
	folder := fmt.Sprintf(`{"source":{"directory":%q}}`, t.TempDir())
	for _, call := range [][3]string{
		{"?dry_run=true", "{}\n", "Content-Type: application/x-ndjson"}, {"?dry_run=true", folder, jsonType},
		{"", folder[:len(folder)-1] + `,"dry_run":true}`, jsonType}, {"", `{"source":{"bucket":"s3://shop/"},"dry_run":true}`, jsonType},
	} {
		r := send(t, http.MethodPost, jobs+call[0], call[1], call[2])
		if strings.Contains(r.body, ":null") {
			t.Errorf("a list or an object is null: %s", r.body)
		}
		if job := as[web.Job](t, r); r.status != http.StatusAccepted || job.Kind != "plan" || job.Plan == nil || job.Plan.New != 1 || job.Plan.Seconds != 0.5 {
			t.Errorf("%s %s: %d %s", call[0], call[1], r.status, r.body)
		}
	}
	if r := send(t, http.MethodPost, jobs+"?dry_run=false", "{}\n", "Content-Type: application/x-ndjson"); as[web.Job](t, r).Kind != "push" {
		t.Errorf("%s", r.body)
	}
	wantProblem(t, send(t, http.MethodPost, jobs+"?layout=other", "PK", "Content-Type: application/zip"), http.StatusUnprocessableEntity, "invalid-request")
	wantProblem(t, send(t, http.MethodPost, jobs+"?layout=imagefolder", `{"source":{"directory":"/"}}`, jsonType), http.StatusUnprocessableEntity, "invalid-request")
	wantProblem(t, send(t, http.MethodPost, jobs+"?dry_run=perhaps", "{}\n", "Content-Type: application/x-ndjson"), http.StatusUnprocessableEntity, "invalid-request")
}

// TestPlansOfFolders: a key may neither have a folder planned nor let such a plan go on.
func TestPlansOfFolders(t *testing.T) {
	k := newKeyring(t)
	key := bearer(k.make(t, nil, catalog.ScopeIndex))
	wantProblem(t, send(t, http.MethodPost, k.URL+"/api/v1/collections/shop/jobs?dry_run=true", `{"source":{"directory":"/etc"}}`, jsonType, key), http.StatusForbidden, "forbidden")
	plan, err := k.Jobs.PlanFolder(t.Context(), "shop", indexer.JobParams{Directory: "/etc"})
	if err != nil {
		t.Fatal(err)
	}
	wantProblem(t, send(t, http.MethodPost, k.URL+"/api/v1/jobs/"+plan.ID+"/retry", "{}", jsonType, key), http.StatusForbidden, "forbidden")
}
