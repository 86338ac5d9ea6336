package web_test

import (
	"net/http"
	"reflect"
	"testing"

	"polylens/web"
	"polylens/web/webtest"
)

func TestChecks(t *testing.T) {
	server := webtest.NewServer(t)
	base := server.URL + "/api/v1"
	for body, want := range map[string]web.Job{
		``:                   {Kind: "check", Check: &web.Check{Images: 60, Missing: 1}},
		`{}`:                 {Kind: "check", Check: &web.Check{Images: 60, Missing: 1}},
		`{"kind":"repair"}`:  {Kind: "repair", Check: &web.Check{Images: 60, Missing: 1, Repaired: 1}},
		`{"kind":"rebuild"}`: {Kind: "rebuild", Check: &web.Check{Images: 60, Missing: 1, Repaired: 1}},
	} {
		r := send(t, http.MethodPost, base+"/collections/demo/checks", body, "Content-Type: application/json")
		job := as[web.Job](t, r)
		if r.status != http.StatusAccepted || r.header.Get("Location") != "/api/v1/jobs/"+job.ID {
			t.Errorf("%s: %d %s %s", body, r.status, r.header.Get("Location"), r.body)
		}
		job = as[web.Job](t, get(t, base+"/jobs/"+job.ID))
		if job.Kind != want.Kind || job.Collection != "demo" || job.Check == nil || *job.Check != *want.Check {
			t.Errorf("%s: %+v, want %+v", body, job, want)
		}
	}
	wantProblem(t, send(t, http.MethodPost, base+"/collections/demo/checks", `{"kind":"index"}`, "Content-Type: application/json"),
		http.StatusUnprocessableEntity, "invalid-request")
	wantProblem(t, send(t, http.MethodPost, base+"/collections/nothing/checks", ""), http.StatusNotFound, "collection-not-found")
	for body, status := range map[string]int{
		`{"read_part":1,"read_of":1}`: http.StatusAccepted, `{"read_part":7,"read_of":7}`: http.StatusAccepted,
		`{"read_part":2,"read_of":1}`: http.StatusUnprocessableEntity, `{"read_part":1}`: http.StatusUnprocessableEntity,
		`{"read_of":3}`: http.StatusUnprocessableEntity, `{"read_part":0,"read_of":1}`: http.StatusUnprocessableEntity,
		`{"read_part":1,"read_of":1000001}`: http.StatusUnprocessableEntity,
	} {
		if r := send(t, http.MethodPost, base+"/collections/demo/checks", body, "Content-Type: application/json"); r.status != status {
			t.Errorf("%s: %d %s, want %d", body, r.status, r.body, status)
		}
	}
}

// TestCheckOfTheRest: what belongs to no collection is checked and repaired, and not rebuilt.
func TestCheckOfTheRest(t *testing.T) {
	base := webtest.NewServer(t).URL + "/api/v1"
	for body, kind := range map[string]string{``: "check", `{"kind":"repair"}`: "repair"} {
		r := send(t, http.MethodPost, base+"/checks", body, "Content-Type: application/json")
		job := as[web.Job](t, r)
		if r.status != http.StatusAccepted || job.Kind != kind || job.Collection != "" {
			t.Errorf("%s: %d %s", body, r.status, r.body)
		}
		want := web.Finding{Kind: "thumbnail-left", Count: 1, Harmless: true, Words: "thumbnails of pictures that no image has", Examples: []string{"a-128"}}
		if job = as[web.Job](t, get(t, base+"/jobs/"+job.ID)); !reflect.DeepEqual(job.Findings, []web.Finding{want}) {
			t.Errorf("%s: %+v", body, job.Findings)
		}
	}
	wantProblem(t, send(t, http.MethodPost, base+"/checks", `{"kind":"rebuild"}`, "Content-Type: application/json"), http.StatusUnprocessableEntity, "invalid-request")
}
