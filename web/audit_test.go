package web_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

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
	Operation, Key, Via, Collection, Outcome, ID, Address string
	Status                                                int
	User                                                  *int
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
