package web_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"polylens/indexer/catalog"
	"polylens/web"
	"polylens/web/webtest"
)

const jsonType = "Content-Type: application/json"

// startRun asks for a run through the API.
func startRun(t *testing.T, server *webtest.Server, name, config string) web.Run {
	t.Helper()
	r := send(t, http.MethodPost, server.URL+"/api/v1/runs", `{"name":"`+name+`","collection":"demo","config":`+config+`}`, jsonType)
	run := as[web.Run](t, r)
	if r.status != http.StatusAccepted || run.State != catalog.RunQueued || r.header.Get("Location") != "/api/v1/runs/"+run.ID {
		t.Fatalf("%d %s %s", r.status, r.header.Get("Location"), r.body)
	}
	return run
}

// await returns a run once it is in a state.
func await(t *testing.T, server *webtest.Server, id string, state catalog.RunState) web.Run {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		run := as[web.Run](t, get(t, server.URL+"/api/v1/runs/"+id))
		if run.State == state {
			return run
		}
		if time.Now().After(deadline) {
			t.Fatalf("the run stays %+v", run)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func ask(t *testing.T, server *webtest.Server, id, verb, body string) reply {
	t.Helper()
	return send(t, http.MethodPost, server.URL+"/api/v1/runs/"+id+"/"+verb, body, jsonType)
}

type curves struct{ Series []web.Series }

func TestRunFromStartToRollback(t *testing.T) {
	server := webtest.NewServer(t)
	run := startRun(t, server, "ours", `{"steps":5,"preset":"lora"}`)
	done := await(t, server, run.ID, catalog.RunFinished)
	if done.Config["preset"] != "lora" || done.Step != 5 || done.Output.Directory != "/models/ours" || !done.Gate.Passed {
		t.Errorf("%+v", done)
	}
	got := as[curves](t, get(t, server.URL+"/api/v1/runs/"+run.ID+"/points?from=4"))
	if len(got.Series) != 1 || !reflect.DeepEqual(got.Series[0].Steps, []int64{4, 5}) || *got.Series[0].Values[1] != 0.2 {
		t.Errorf("%+v", got)
	}
	wantProblem(t, ask(t, server, run.ID, "rollback", ""), http.StatusConflict, "conflict")
	if r := ask(t, server, run.ID, "activate", ""); r.status != http.StatusAccepted || as[web.Run](t, r).State != catalog.RunActivated {
		t.Errorf("%d %s", r.status, r.body)
	}
	wantProblem(t, send(t, http.MethodDelete, server.URL+"/api/v1/runs/"+run.ID, ""), http.StatusConflict, "conflict")
	if r := ask(t, server, run.ID, "rollback", ""); r.status != http.StatusAccepted || as[web.Run](t, r).State != catalog.RunRolledBack {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := send(t, http.MethodDelete, server.URL+"/api/v1/runs/"+run.ID, ""); r.status != http.StatusNoContent {
		t.Errorf("%d %s", r.status, r.body)
	}
	wantProblem(t, get(t, server.URL+"/api/v1/runs/"+run.ID), http.StatusNotFound, "not-found")
}

// TestForgetfulModelNeedsForce: the refusal holds the verdict.
func TestForgetfulModelNeedsForce(t *testing.T) {
	server := webtest.NewServer(t)
	run := startRun(t, server, "forgetful", `{"steps":1,"forgets":true}`)
	await(t, server, run.ID, catalog.RunFinished)
	for _, body := range []string{"", "{}", `{"force":false}`} {
		r := ask(t, server, run.ID, "activate", body)
		wantProblem(t, r, http.StatusConflict, "forgetting-gate")
		refused := as[struct {
			Detail string
			Gate   web.Gate
		}](t, r)
		if len(refused.Gate.Languages) != 1 || refused.Gate.Passed || refused.Gate.Languages[0].After != 0.5 ||
			!strings.Contains(refused.Detail, "de lost 25.00 points of R@5, at most 2.50 are allowed") {
			t.Errorf("%q: %s", body, r.body)
		}
	}
	if r := ask(t, server, run.ID, "activate", `{"force":true}`); r.status != http.StatusAccepted {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestRunsArePaged(t *testing.T) {
	server := webtest.NewServer(t)
	if r := get(t, server.URL+"/api/v1/runs"); r.body != `{"runs":[]}`+"\n" {
		t.Errorf("none: %s", r.body)
	}
	for n := range 5 {
		startRun(t, server, fmt.Sprint("r", n), `{"steps":1}`)
	}
	var names []string
	query := url.Values{"limit": {"2"}, "collection": {"demo"}}
	for {
		page := as[struct {
			Runs []web.Run
			Next string
		}](t, get(t, server.URL+"/api/v1/runs?"+query.Encode()))
		for _, run := range page.Runs {
			names = append(names, run.Name)
		}
		if page.Next == "" {
			break
		}
		query.Set("cursor", page.Next)
	}
	if got := strings.Join(names, " "); got != "r4 r3 r2 r1 r0" {
		t.Errorf("got %s, want newest first, each once", got)
	}
	if r := get(t, server.URL+"/api/v1/runs?collection=other"); r.body != `{"runs":[]}`+"\n" {
		t.Errorf("of another collection: %s", r.body)
	}
}

// keeper lets a method of web.Runs have the name of the interface.
type keeper interface{ web.Runs }

// choosing notes which points were asked for.
type choosing struct {
	keeper
	got *catalog.RunPoints
}

func (choosing) Run(context.Context, string) (catalog.Run, error) { return catalog.Run{}, nil }

func (c choosing) RunSeries(_ context.Context, _ string, choice catalog.RunPoints) ([]catalog.RunSeries, error) {
	*c.got = choice
	return []catalog.RunSeries{{Name: "loss", Steps: []int64{1}, Values: []float64{math.NaN()}}}, nil
}

func TestPointsAreChosen(t *testing.T) {
	var got catalog.RunPoints
	server := webtest.NewServer(t, func(c *web.Config) { c.Runs = choosing{c.Runs, &got} })
	for query, want := range map[string]catalog.RunPoints{
		"": {Most: 1000},
		"?names=loss,validation/de/text_to_image/r1&from=7&max_points=4": {
			Names: []string{"loss", "validation/de/text_to_image/r1"}, From: 7, Most: 4},
	} {
		r := get(t, server.URL+"/api/v1/runs/x/points"+query)
		if r.status != http.StatusOK || r.body != `{"series":[{"name":"loss","steps":[1],"values":[null]}]}`+"\n" {
			t.Errorf("%s: %d %s", query, r.status, r.body)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", query, got, want)
		}
	}
}

func TestRunProblems(t *testing.T) {
	server := webtest.NewServer(t)
	tests := map[string]struct {
		method, path, body string
		status             int
		kind               string
	}{
		"unknown run":       {"GET", "/runs/zz", "", 404, "not-found"},
		"unknown curves":    {"GET", "/runs/zz/points", "", 404, "not-found"},
		"too few points":    {"GET", "/runs/zz/points?max_points=3", "", 422, "invalid-request"},
		"negative step":     {"GET", "/runs/zz/points?from=-1", "", 422, "invalid-request"},
		"stop unknown":      {"POST", "/runs/zz/stop", "", 404, "not-found"},
		"resume unknown":    {"POST", "/runs/zz/resume", "", 404, "not-found"},
		"activate unknown":  {"POST", "/runs/zz/activate", "", 404, "not-found"},
		"rollback unknown":  {"POST", "/runs/zz/rollback", "", 404, "not-found"},
		"delete unknown":    {"DELETE", "/runs/zz", "", 404, "not-found"},
		"no name":           {"POST", "/runs", `{"config":{}}`, 422, "invalid-request"},
		"a path as name":    {"POST", "/runs", `{"name":"../x","config":{"steps":1}}`, 422, "invalid-request"},
		"no config":         {"POST", "/runs", `{"name":"x"}`, 422, "invalid-request"},
		"config no object":  {"POST", "/runs", `{"name":"x","config":7}`, 422, "invalid-request"},
		"mistake in config": {"POST", "/runs", `{"name":"x","config":{}}`, 422, "invalid-request"},
		"events without WS": {"GET", "/runs/events", "", 426, "upgrade-required"},
	}
	for label, test := range tests {
		t.Run(label, func(t *testing.T) {
			r := send(t, test.method, server.URL+"/api/v1"+test.path, test.body, jsonType)
			wantProblem(t, r, test.status, test.kind)
		})
	}
}

func TestRepeatedRunStartsOnce(t *testing.T) {
	server := webtest.NewServer(t)
	create := func(config string) reply {
		return send(t, http.MethodPost, server.URL+"/api/v1/runs", `{"name":"x","config":`+config+`}`, jsonType, "Idempotency-Key: k")
	}
	first, second := create(`{"steps":1}`), create(`{"steps":1}`)
	if first.status != http.StatusAccepted || second.body != first.body {
		t.Errorf("%s then %s", first.body, second.body)
	}
	wantProblem(t, create(`{"steps":2}`), http.StatusUnprocessableEntity, "idempotency-key-reused")
	if runs, err := server.Runs.Runs(t.Context(), "", "", 10); err != nil || len(runs) != 1 {
		t.Errorf("%d runs, %v", len(runs), err)
	}
}

func TestServersThatDoNotTrain(t *testing.T) {
	for label, test := range map[string]struct {
		change func(*web.Config)
		status int
		kind   string
	}{
		"no trainer": {func(c *web.Config) { c.Trainer = nil }, 501, "no-trainer"},
		"no runs":    {func(c *web.Config) { c.Runs, c.Trainer = nil, nil }, 501, "no-trainer"},
		"a network":  {open, 403, "forbidden"},
	} {
		t.Run(label, func(t *testing.T) {
			server := webtest.NewServer(t, test.change)
			r := send(t, http.MethodPost, server.URL+"/api/v1/runs", `{"name":"x","config":{"steps":1}}`, jsonType)
			wantProblem(t, r, test.status, test.kind)
			if !strings.Contains(r.body, "polylens train") {
				t.Errorf("no remedy: %s", r.body)
			}
			if r := get(t, server.URL+"/api/v1/runs"); r.body != `{"runs":[]}`+"\n" {
				t.Errorf("%d %s", r.status, r.body)
			}
			wantProblem(t, get(t, server.URL+"/api/v1/runs/x"), http.StatusNotFound, "not-found")
		})
	}
}

// chart is what a page makes of the live messages about one run.
type chart struct {
	run    web.Run
	points map[int64]float64
}

// follow reads messages until the run is in a state.
func (c *chart) follow(t *testing.T, connection *websocket.Conn, state catalog.RunState) {
	t.Helper()
	for c.run.State != state {
		var change web.RunChange
		if err := connection.ReadJSON(&change); err != nil {
			t.Fatal(err)
		}
		c.run = change.Run
		if change.Kept != nil {
			for step := range c.points {
				if step > *change.Kept {
					delete(c.points, step)
				}
			}
		}
		for _, series := range change.Series {
			for i, step := range series.Steps {
				c.points[step] = *series.Values[i]
			}
		}
	}
}

// TestCurvesArriveLive: whoever follows the messages has the same curve as the
// server, even after the run went back to a checkpoint.
func TestCurvesArriveLive(t *testing.T) {
	server := webtest.NewServer(t)
	address := "ws" + strings.TrimPrefix(server.URL, "http") + "/api/v1/runs/events"
	connection, response, err := websocket.DefaultDialer.DialContext(t.Context(), address, nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	defer connection.Close()
	if err := connection.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var begin struct{ Runs []web.Run }
	if err := connection.ReadJSON(&begin); err != nil || begin.Runs == nil {
		t.Fatalf("begins with %+v, %v", begin, err)
	}
	run := startRun(t, server, "ours", `{"steps":60}`)
	seen := chart{points: make(map[int64]float64)}
	seen.follow(t, connection, catalog.RunRunning)
	time.Sleep(250 * time.Millisecond)
	if r := ask(t, server, run.ID, "stop", ""); r.status != http.StatusAccepted {
		t.Fatalf("%d %s", r.status, r.body)
	}
	seen.follow(t, connection, catalog.RunStopped)
	if seen.run.Step < 2 || seen.run.Step >= 60 {
		t.Fatalf("stopped at step %d", seen.run.Step)
	}
	if r := ask(t, server, run.ID, "resume", ""); r.status != http.StatusAccepted {
		t.Fatalf("%d %s", r.status, r.body)
	}
	seen.follow(t, connection, catalog.RunFinished)
	stored := as[curves](t, get(t, server.URL+"/api/v1/runs/"+run.ID+"/points")).Series[0]
	if len(stored.Steps) != 60 || len(seen.points) != 60 {
		t.Fatalf("%d points are stored, %d were seen", len(stored.Steps), len(seen.points))
	}
	for i, step := range stored.Steps {
		if seen.points[step] != *stored.Values[i] {
			t.Errorf("step %d was seen as %v, and is %v", step, seen.points[step], *stored.Values[i])
		}
	}
}
