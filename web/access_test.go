package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/web"
)

// guarded is something that may be asked of a server, and by which scopes. Without any,
// everybody may.
type guarded struct {
	id, method, path string
	scopes           []string
}

// openOperations are all that need no key.
var openOperations = []string{"create-session", "delete-session"}

// elsewhere are the places that are no operations and need a key.
var elsewhere = []guarded{
	{"describe-api", "GET", "/openapi.json", []string{"search", "index", "train", "admin"}},
	{"ready", "GET", "/readyz", []string{"search", "index", "train", "admin"}},
	{"watch-jobs", "GET", "/api/v1/jobs/events", []string{"index", "train"}},
	{"watch-runs", "GET", "/api/v1/runs/events", []string{"train"}},
}

// everyOperation reads the API's description: whatever operation there will be is in it.
func everyOperation(t *testing.T) []guarded {
	t.Helper()
	k := newKeyring(t)
	var api struct {
		Paths map[string]map[string]struct {
			OperationID string                `json:"operationId"`
			Security    []map[string][]string `json:"security"`
		} `json:"paths"`
	}
	r := get(t, k.URL+"/openapi.json", bearer(k.make(t, nil, catalog.ScopeSearch)))
	if err := json.Unmarshal([]byte(r.body), &api); err != nil {
		t.Fatal(err)
	}
	var all []guarded
	for path, operations := range api.Paths {
		for method, operation := range operations {
			one := guarded{id: operation.OperationID, method: strings.ToUpper(method), path: path}
			for _, way := range operation.Security {
				if len(way) == 0 {
					t.Errorf("%s says that it may be asked without a key", one.id)
				}
				one.scopes = append(one.scopes, way["key"]...)
			}
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b guarded) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return all
}

// address names a collection and things that do not exist: who is refused does not learn
// that.
func (g guarded) address() string {
	return strings.NewReplacer("{name}", "nowhere", "{id}", "nothing").Replace(g.path)
}

// ask is the type of problem that somebody gets, or "" for an answer that does not concern
// keys.
func (g guarded) ask(t *testing.T, k keyring, headers ...string) (int, string) {
	t.Helper()
	r := send(t, g.method, k.URL+g.address(), "{}", append(headers, "Content-Type: application/json")...)
	if r.status != http.StatusUnauthorized && r.status != http.StatusForbidden && r.status != http.StatusTooManyRequests {
		return r.status, ""
	}
	if r.status == http.StatusUnauthorized && !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Bearer ") {
		t.Errorf("%s: 401 without WWW-Authenticate", g.id)
	}
	return r.status, strings.TrimPrefix(as[problem](t, r).Type, "urn:polylens:problem:")
}

// TestWhoMayDoWhat asks for every operation of the API's description, and for what is no
// operation, with every kind of credentials. An operation that does not say who may ask for
// it fails here.
func TestWhoMayDoWhat(t *testing.T) {
	k := newKeyring(t)
	keys := map[string]string{}
	for _, scope := range catalog.Scopes() {
		keys[string(scope)] = k.make(t, nil, scope)
	}
	other := k.make(t, only("elsewhere"), catalog.ScopeAdmin)
	revoked, mistyped := k.make(t, nil, catalog.ScopeAdmin), k.make(t, nil, catalog.ScopeAdmin)
	k.revoke(t, revoked)
	wrong := map[string][]string{
		"no key":         nil,
		"a mistyped key": {bearer(mistyped[:len(mistyped)-1] + "_")},
		"a revoked key":  {bearer(revoked)},
		"an expired key": {bearer(k.expired(t, catalog.ScopeAdmin))},
		"a forged key":   {bearer(catalog.NewKeyText())},
		"a password":     {"Authorization: Basic cm9vdDpyb290"},
		"a dead session": {"Cookie: polylens-session=ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
		"nothing at all": {"Authorization: Bearer "},
	}
	operations := everyOperation(t)
	if len(operations) < 30 {
		t.Fatalf("only %d operations", len(operations))
	}
	for _, one := range append(operations, elsewhere...) {
		if len(one.scopes) == 0 {
			if !slices.Contains(openOperations, one.id) {
				t.Errorf("%s does not say who may ask for it: see requirements in scopes.go", one.id)
			}
			continue
		}
		for label, headers := range wrong {
			if status, kind := one.ask(t, k, headers...); status != http.StatusUnauthorized && kind != "too-many-requests" {
				t.Errorf("%s with %s: %d %s", one.id, label, status, kind)
			}
		}
		for scope, key := range keys {
			_, kind := one.ask(t, k, bearer(key))
			may := scope == "admin" || slices.Contains(one.scopes, scope)
			if refused := kind == "key-forbids"; refused == may || kind != "" && kind != "key-forbids" && kind != "forbidden" {
				t.Errorf("%s with the scope %s: %q, it may %t", one.id, scope, kind, may)
			}
		}
		if strings.Contains(one.path, "{name}") {
			if _, kind := one.ask(t, k, bearer(other)); kind != "key-forbids" {
				t.Errorf("%s with a key of another collection: %q", one.id, kind)
			}
		}
	}
}

// TestOpenToEverybody: a monitor, and the page that asks for a key. Nothing else.
func TestOpenToEverybody(t *testing.T) {
	k := newKeyring(t)
	for _, path := range []string{"/healthz", "/", "/deep/link", "/favicon.svg"} {
		if r := get(t, k.URL+path); r.status == http.StatusUnauthorized {
			t.Errorf("%s asks for a key", path)
		}
	}
	for _, call := range everyPath {
		if isOpen := call[0] != "POST" && call[0] != "PUT" && call[0] != "OPTIONS" && !strings.HasPrefix(call[1], "/api/") && call[1] != "/openapi.json" && call[1] != "/readyz" && call[1] != "/%68ealthz"; isOpen {
			continue
		}
		if r := send(t, call[0], k.URL+call[1], ""); r.status != http.StatusUnauthorized {
			t.Errorf("%s %s without a key: %d", call[0], call[1], r.status)
		}
	}
}

// TestAccessIsDocumented compares the table for people with what the API says of itself.
func TestAccessIsDocumented(t *testing.T) {
	const file, begin, end = "../docs/access.md", "<!-- who may do what -->\n", "<!-- end -->"
	var table strings.Builder
	table.WriteString("| operation | method and path | search | index | train | admin |\n|---|---|---|---|---|---|\n")
	for _, one := range append(everyOperation(t), elsewhere...) {
		fmt.Fprintf(&table, "| %s | `%s %s` |", one.id, one.method, one.path)
		for _, scope := range catalog.Scopes() {
			mark := " "
			if len(one.scopes) == 0 || scope == catalog.ScopeAdmin || slices.Contains(one.scopes, string(scope)) {
				mark = "yes"
			}
			fmt.Fprintf(&table, " %s |", mark)
		}
		table.WriteString("\n")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := bytes.Cut(text, []byte(begin))
	_, after, ended := bytes.Cut(rest, []byte(end))
	if !found || !ended {
		t.Fatalf("%s has no place for the table", file)
	}
	want := slices.Concat(before, []byte(begin), []byte(table.String()), []byte(end), after)
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	} else if !bytes.Equal(text, want) {
		t.Errorf("%s is out of date: run “go test ./web -run Documented -update”", file)
	}
}

// TestOnlyOnesOwn: lists show what the key is for, and nothing tells of the rest.
func TestOnlyOnesOwn(t *testing.T) {
	k := newKeyring(t)
	if _, err := k.Library.Indexer().CreateCollection(t.Context(), "other", 0, catalog.OriginalsKept); err != nil {
		t.Fatal(err)
	}
	key := k.make(t, only("other", "mine"), catalog.ScopeAdmin)
	base := k.URL + "/api/v1"
	mine, err := k.Jobs.Check(t.Context(), indexer.CheckOrder{Collection: "other", Kind: "check"})
	theirs, failed := k.Jobs.Check(t.Context(), indexer.CheckOrder{Collection: "demo", Kind: "check"})
	if err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	for path, want := range map[string][2]string{
		"/collections": {`"other"`, "demo"}, "/jobs": {mine.ID, theirs.ID}, "/info": {`"collections":["other","mine"]`, "demo"},
	} {
		if r := get(t, base+path, bearer(key)); r.status != http.StatusOK || !strings.Contains(r.body, want[0]) || strings.Contains(r.body, want[1]) {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	missing := get(t, base+"/jobs/job-9", bearer(key))
	if r := get(t, base+"/jobs/"+theirs.ID, bearer(key)); r.status != http.StatusNotFound || strings.ReplaceAll(r.body, theirs.ID, "job-9") != missing.body {
		t.Errorf("another's job differs from none: %s and %s", r.body, missing.body)
	}
	for _, call := range [][3]string{
		{"POST", "/collections", `{"name":"new"}`}, {"PATCH", "/collections/other", `{"name":"theirs"}`}, {"GET", "/collections/demo", ""},
		{"GET", "/collections/%64emo", ""}, {"GET", "/collections/demo/images/boat-2/original", ""}, {"POST", "/runs/x/activate", "{}"},
	} {
		wantProblem(t, send(t, call[0], base+call[1], call[2], bearer(key), jsonType), http.StatusForbidden, "key-forbids")
	}
	if r := send(t, "POST", base+"/collections", `{"name":"mine"}`, bearer(key), jsonType); r.status != http.StatusCreated {
		t.Errorf("its own collection: %d %s", r.status, r.body)
	}
	for _, verb := range []string{"pause", "resume", "retry"} {
		wantProblem(t, send(t, "POST", base+"/jobs/"+theirs.ID+"/"+verb, "", bearer(key)), http.StatusNotFound, "not-found")
	}
	wantProblem(t, send(t, "DELETE", base+"/jobs/"+theirs.ID, "", bearer(key)), http.StatusNotFound, "not-found")
}

// TestKeysNameNoFolders: not even those of the server's own user.
func TestKeysNameNoFolders(t *testing.T) {
	k := newKeyring(t)
	key := k.make(t, nil, catalog.ScopeAdmin)
	body := fmt.Sprintf(`{"source":{"directory":%q}}`, t.TempDir())
	wantProblem(t, send(t, "POST", k.URL+"/api/v1/collections/x/jobs", body, bearer(key), jsonType), http.StatusForbidden, "forbidden")
	if info := as[web.Info](t, get(t, k.URL+"/api/v1/info", bearer(key))); info.Folders {
		t.Error("the page is told that folders may be indexed")
	}
}
