package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/web"
)

// notes is a log that many may write.
type notes struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (n *notes) Write(line []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(line)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

type note struct {
	Operation, Request, Key, Via, Collection, Outcome, ID, Address string
	Status                                                         int
	User                                                           *int
}

// lines are the notes about an operation.
func (n *notes) lines(t *testing.T, operation string) []note {
	t.Helper()
	var all []note
	for line := range strings.Lines(n.String()) {
		var one note
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if one.Operation == operation {
			all = append(all, one)
		}
	}
	return all
}

// TestAudit: who did what and how it ended, and neither a secret nor what somebody looked
// for, wherever these stand in a request.
func TestAudit(t *testing.T) {
	audit, log := &notes{}, &notes{}
	k := newKeyring(t, func(c *web.Config) {
		c.Audit = slog.New(slog.NewJSONHandler(audit, nil))
		c.Logger = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	key, id := k.make(t, nil, catalog.ScopeAdmin), ""
	id, _ = catalog.KeyIDOf(key)
	base, token := k.URL+"/api/v1", sign(t, key, `{"field":"group","eq":"ownersecret"}`, nil, soon())
	get(t, base+"/collections/demo/search?q=mysecretwish&filter=%7B%22field%22:%22group%22,%22eq%22:%22mysecretwish%22%7D", bearer(key))
	get(t, base+"/collections/demo/search?q=mysecretwish", bearer(token))
	made := as[web.NewKey](t, createKey(t, k, key, `{"name":"x","scopes":["search"]}`))
	cookie := cookieOf(t, signIn(t, k, made.Secret))
	get(t, base+"/keys", "Cookie: "+cookie.Name+"="+cookie.Value)
	send(t, "DELETE", base+"/keys/"+made.Secret, "", bearer(key))
	send(t, "DELETE", base+"/keys/"+made.Key.ID, "", bearer(key))
	get(t, base+"/collections/"+key, bearer(key))
	get(t, base+"/info", bearer(key+"mysecretwish"))
	signIn(t, k, key[:len(key)-1])
	get(t, base+"/collections/demo/images/boat-2/thumbnail", bearer(key))
	if got := audit.lines(t, "search"); len(got) != 2 || got[0].Key != id || got[0].Via != "key" || got[0].Collection != "demo" || got[0].Outcome != "done" ||
		got[0].Address == "" || got[0].User == nil || got[1].Via != "token" || got[1].Key != id {
		t.Errorf("searches are noted as %+v", got)
	}
	if got := audit.lines(t, "list-keys"); len(got) != 1 || got[0].Outcome != "refused" || got[0].Via != "session" || got[0].Key != made.Key.ID {
		t.Errorf("what a session may not do is noted as %+v", got)
	}
	if got := audit.lines(t, "revoke-key"); len(got) != 2 || got[0].ID != "" || got[1].ID != made.Key.ID {
		t.Errorf("revoked keys are noted as %+v", got)
	}
	if got := audit.lines(t, "authenticate"); len(got) != 2 || got[0].Outcome != "refused" || got[0].Status != http.StatusUnauthorized {
		t.Errorf("wrong keys are noted as %+v", got)
	}
	if got := audit.lines(t, "get-thumbnail"); len(got) != 0 {
		t.Errorf("each thumbnail is noted: %+v", got)
	}
	for label, text := range map[string]string{"audit": audit.String(), "log": log.String()} {
		for _, secret := range []string{key[len(key)-30:], made.Secret[len(made.Secret)-30:], cookie.Value, token[len(token)-20:], "mysecretwish", "ownersecret"} {
			if strings.Contains(text, secret) {
				t.Errorf("%q stands in the %s:\n%s", secret, label, text)
			}
		}
	}
}

// audited is a server whose audit log can be read.
func audited(t *testing.T, change ...func(*web.Config)) (keyring, *notes) {
	t.Helper()
	audit := &notes{}
	change = append(change, func(c *web.Config) { c.Audit = slog.New(slog.NewJSONHandler(audit, nil)) })
	return newKeyring(t, change...), audit
}

// waitFor returns the notes about an operation once there are so many.
func (n *notes) waitFor(t *testing.T, operation string, many int) []note {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if got := n.lines(t, operation); len(got) >= many || time.Now().After(end) {
			return got
		}
	}
}

// TestAuditOrder: the fields of a line always stand in the same order.
func TestAuditOrder(t *testing.T) {
	k, audit := audited(t)
	key := k.make(t, nil, catalog.ScopeIndex)
	order := regexp.MustCompile(`"key":.*"address":.*"operation":.*"request":.*"collection":.*"outcome":`)
	for range 20 {
		send(t, "POST", k.URL+"/api/v1/collections/demo/jobs", "{}\n", bearer(key), "Content-Type: application/x-ndjson")
	}
	lines := 0
	for line := range strings.Lines(audit.String()) {
		if !strings.Contains(line, `"create-job"`) {
			continue
		}
		if lines++; !order.MatchString(line) {
			t.Errorf("out of order: %s", line)
		}
	}
	if lines != 40 {
		t.Errorf("%d lines", lines)
	}
}

// TestAuditOfWhatLasts: it has a line when it begins, which stays alone when the server does
// not live to see the end.
func TestAuditOfWhatLasts(t *testing.T) {
	k, audit := audited(t)
	key := k.make(t, nil, catalog.ScopeIndex)
	lines, write := io.Pipe()
	pushed := make(chan int, 1)
	go func() {
		request, err := http.NewRequestWithContext(t.Context(), "POST", k.URL+"/api/v1/collections/demo/jobs", lines)
		if err != nil {
			pushed <- 0
			return
		}
		request.Header.Set("Authorization", "Bearer "+key)
		request.Header.Set("Content-Type", "application/x-ndjson")
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			pushed <- 0
			return
		}
		response.Body.Close()
		pushed <- response.StatusCode
	}()
	begun := audit.waitFor(t, "create-job", 1)
	if len(begun) != 1 || begun[0].Outcome != "begun" || begun[0].Request == "" || begun[0].Collection != "demo" {
		t.Fatalf("a push that has begun is noted as %+v", begun)
	}
	_, err := write.Write([]byte("{}\n"))
	if err := errors.Join(err, write.Close()); err != nil {
		t.Fatal(err)
	}
	if status := <-pushed; status != http.StatusAccepted {
		t.Errorf("%d", status)
	}
	if got := audit.waitFor(t, "create-job", 2); len(got) != 2 || got[1].Outcome != "done" || got[1].Request != begun[0].Request || got[1].Status != http.StatusAccepted {
		t.Errorf("a push that has ended is noted as %+v", got)
	}
	connection := listen(t, k, http.Header{"Authorization": {"Bearer " + key}})
	connection.Close()
	if got := audit.waitFor(t, "watch-jobs", 2); len(got) != 2 || got[0].Outcome != "begun" || got[1].Outcome != "done" || got[0].Request != got[1].Request {
		t.Errorf("live news are noted as %+v", got)
	}
	get(t, k.URL+"/openapi.json", bearer(key))
	for _, got := range audit.lines(t, "describe-api") {
		if got.Outcome != "done" || got.Status != http.StatusOK {
			t.Errorf("the description is noted as %+v", got)
		}
	}
}

// brokenCatalog fails beyond what anybody foresees.
type brokenCatalog struct{ web.Catalog }

func (brokenCatalog) Collections(context.Context) ([]catalog.Collection, error) { panic("broken") }

// TestAuditOfPanics: they leave a line.
func TestAuditOfPanics(t *testing.T) {
	k, audit := audited(t, func(c *web.Config) { c.Catalog = brokenCatalog{c.Catalog} })
	key := k.make(t, nil, catalog.ScopeIndex)
	wantProblem(t, get(t, k.URL+"/api/v1/collections", bearer(key)), http.StatusInternalServerError, "internal")
	if got := audit.lines(t, "list-collections"); len(got) != 1 || got[0].Outcome != "failed" || got[0].Status != http.StatusInternalServerError {
		t.Errorf("noted as %+v", got)
	}
}

// TestAuditIsNotFlooded: who asks more than its key may does not push all else out.
func TestAuditIsNotFlooded(t *testing.T) {
	k, audit := audited(t, func(c *web.Config) { c.Rate = web.Rate{PerSecond: 0.001, Burst: 2} })
	key := k.make(t, nil, catalog.ScopeSearch)
	for range 50 {
		get(t, k.URL+"/api/v1/info", bearer(key))
	}
	if got := audit.lines(t, "authenticate"); len(got) != 1 || got[0].Status != http.StatusTooManyRequests || got[0].Key == "" {
		t.Errorf("noted as %+v", got)
	}
}

// TestAuditOfSessions: whose they are, from the beginning to the end.
func TestAuditOfSessions(t *testing.T) {
	k, audit := audited(t)
	key := k.make(t, nil, catalog.ScopeSearch)
	id, _ := catalog.KeyIDOf(key)
	cookie := cookieOf(t, signIn(t, k, key))
	send(t, "DELETE", k.URL+"/api/v1/session", "", "Cookie: "+cookie.Name+"="+cookie.Value)
	for _, operation := range []string{"sign-in", "sign-out"} {
		if got := audit.lines(t, operation); len(got) != 1 || got[0].Key != id || got[0].Via != "session" || got[0].Outcome != "done" {
			t.Errorf("%s is noted as %+v", operation, got)
		}
	}
}
