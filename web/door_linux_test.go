package web_test

import (
	"net/http"
	"testing"

	"polylens/web"
	"polylens/web/webtest"
)

// TestRealUsers: another user's process is told from one of the server's own, and from
// root's.
func TestRealUsers(t *testing.T) {
	const other = 65534
	closed := webtest.NewServer(t)
	guest := webtest.NewServer(t, func(c *web.Config) { c.Guests.Users = []int{other} })
	client, isOther := webtest.ClientOf(t, other)
	refused := http.StatusOK
	if isOther {
		refused = http.StatusForbidden
	}
	for label, test := range map[string]struct {
		client *http.Client
		url    string
		status int
	}{
		"another user's picture":            {client, closed.URL + "/api/v1/collections/demo/images/boat-2/original", refused},
		"another user's page":               {client, closed.URL + "/", refused},
		"another user's look at its health": {client, closed.URL + "/healthz", http.StatusOK},
		"a guest's picture":                 {client, guest.URL + "/api/v1/collections/demo/images/boat-2/original", http.StatusOK},
		"its own user's picture":            {http.DefaultClient, closed.URL + "/api/v1/collections/demo/images/boat-2/original", http.StatusOK},
	} {
		response, err := test.client.Get(test.url)
		if err != nil {
			t.Fatalf("%s: %v", label, err)
		}
		response.Body.Close()
		if response.StatusCode != test.status {
			t.Errorf("%s: %d, want %d", label, response.StatusCode, test.status)
		}
	}
}
