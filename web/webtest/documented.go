package webtest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5/middleware"

	"polylens/web"
)

// description is what the API's description says of its answers.
type description struct {
	Paths map[string]map[string]struct {
		Responses map[string]any `json:"responses"`
	} `json:"paths"`
}

// documented passes requests on, and fails the test when an operation answers with a
// status that the API's description does not name.
func documented(t testing.TB, handler *web.Handler) http.Handler {
	t.Helper()
	asked := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/openapi.json", nil)
	answer := httptest.NewRecorder()
	handler.Inside().ServeHTTP(answer, asked)
	var described description
	if err := json.Unmarshal(answer.Body.Bytes(), &described); err != nil {
		t.Fatalf("the API describes itself as %.200q: %v", answer.Body, err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		defer func() {
			if !described.names(r, seen.Status()) {
				t.Errorf("%s %s answers %d, which its description does not name", r.Method, r.URL.Path, seen.Status())
			}
		}()
		handler.ServeHTTP(seen, r)
	})
}

// names is true for a status that the description names, for a client that is gone, and
// for what is no operation.
func (d description) names(r *http.Request, status int) bool {
	const gone = 499
	if strings.HasSuffix(r.URL.Path, "/events") {
		return true // no operation, though it looks like one
	}
	method := strings.ToLower(strings.Replace(r.Method, http.MethodHead, http.MethodGet, 1))
	for path, operations := range d.Paths {
		operation, known := operations[method]
		if known && isAt(path, r.URL.EscapedPath()) {
			return status == 0 || status == gone || operation.Responses[strconv.Itoa(status)] != nil
		}
	}
	return true
}

// isAt reports whether an address fits the path of an operation.
func isAt(path, address string) bool {
	parts, given := strings.Split(path, "/"), strings.Split(address, "/")
	if len(parts) != len(given) {
		return false
	}
	for i, part := range parts {
		if part != given[i] && (!strings.HasPrefix(part, "{") || given[i] == "") {
			return false
		}
	}
	return true
}
