package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"polylens/indexer/catalog"
	"polylens/web"
	"polylens/web/webtest"
)

// TestSources follows a folder that a collection is kept in step with.
func TestSources(t *testing.T) {
	s := webtest.NewServer(t)
	base, folder := s.URL+"/api/v1/collections/kept/sources", t.TempDir()
	body := fmt.Sprintf(`{"directory":%q,"no_hidden":true}`, folder)
	r := send(t, "POST", base, body, "Content-Type: application/json")
	made := as[web.KeptSource](t, r)
	if r.status != http.StatusCreated || made.IntervalSeconds != 3600 || !made.Events || made.LastScan == nil || made.Rules == nil || !made.Rules.NoHidden {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if got := get(t, s.URL+r.header.Get("Location")); as[web.KeptSource](t, got).Directory != folder {
		t.Errorf("at its Location: %s", got.body)
	}
	if r := send(t, "POST", base, body, "Content-Type: application/json"); r.status != http.StatusConflict {
		t.Errorf("the same folder again: %d %s", r.status, r.body)
	}
	one := base + "/" + made.ID
	changed := as[web.KeptSource](t, send(t, "PATCH", one, `{"interval_seconds":90,"events":false}`, "Content-Type: application/json"))
	if changed.IntervalSeconds != 90 || changed.Events {
		t.Errorf("changed to %+v", changed)
	}
	if again := as[web.KeptSource](t, send(t, "PATCH", one, `{}`, "Content-Type: application/json")); again.IntervalSeconds != 90 || again.Events {
		t.Errorf("nothing changed it to %+v", again)
	}
	eventually(t, func() bool {
		state := as[web.KeptSource](t, get(t, one)).LastScan.State
		return state.Finished()
	})
	scan := send(t, "POST", one+"/scans", `{"confirm_removal":true}`, "Content-Type: application/json")
	if scan.status != http.StatusAccepted || !s.Jobs.Params().ConfirmRemoval || as[web.KeptSource](t, get(t, one)).LastScan.Job != as[web.Job](t, scan).ID {
		t.Errorf("a scan: %d %s", scan.status, scan.body)
	}
	if r := send(t, "DELETE", one, ""); r.status != http.StatusNoContent {
		t.Errorf("deleted: %d %s", r.status, r.body)
	}
	for _, call := range [][2]string{{"GET", one}, {"PATCH", one}, {"DELETE", one}, {"POST", one + "/scans"}, {"GET", s.URL + "/api/v1/collections/none/sources"}} {
		if r := send(t, call[0], call[1], map[bool]string{true: "", false: "{}"}[call[0] == "GET" || call[0] == "DELETE"], "Content-Type: application/json"); r.status != http.StatusNotFound {
			t.Errorf("%s %s of what is not there: %d %s", call[0], call[1], r.status, r.body)
		}
	}
	if r := get(t, base); !strings.Contains(r.body, `"sources":[]`) {
		t.Errorf("listed %s", r.body)
	}
}

// TestSourcesThatCannotBe: the folder, and the interval.
func TestSourcesThatCannotBe(t *testing.T) {
	s := webtest.NewServer(t)
	for _, body := range []string{
		`{"directory":"/nowhere/at/all"}`, `{"directory":"relative"}`, `{}`, `{"directory":"/tmp","interval_seconds":59}`,
		`{"directory":"/tmp","interval_seconds":2592001}`, `{"directory":"/tmp","events":"no"}`, `{"directory":"/tmp","max_removed_share":2}`,
	} {
		if r := send(t, "POST", s.URL+"/api/v1/collections/kept/sources", body, "Content-Type: application/json"); r.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", body, r.status, r.body)
		}
	}
}

// TestKeysNameNoFolders: what has a folder of the server looked into is not for keys, even
// with all scopes.
func TestKeysKeepNoFolders(t *testing.T) {
	k := newKeyring(t)
	key := bearer(k.make(t, nil, catalog.ScopeAdmin))
	for _, call := range [][3]string{
		{"POST", "/sources", fmt.Sprintf(`{"directory":%q}`, t.TempDir())}, {"PATCH", "/sources/x", `{"events":true}`}, {"POST", "/sources/x/scans", `{}`},
	} {
		r := send(t, call[0], k.URL+"/api/v1/collections/kept"+call[1], call[2], key, "Content-Type: application/json")
		if r.status != http.StatusForbidden {
			t.Errorf("%s %s: %d %s", call[0], call[1], r.status, r.body)
		}
	}
}
