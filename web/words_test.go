package web_test

import (
	"net/http"
	"strings"
	"testing"

	"polylens/web/webtest"
)

// TestProblemsNameTheRemedy: what newcomers get wrong is answered with what to do instead.
func TestProblemsNameTheRemedy(t *testing.T) {
	base := webtest.NewServer(t).URL + "/api/v1"
	for label, test := range map[string]struct {
		answer reply
		status int
		kind   string
		words  []string
	}{
		"curl -d without a type": {send(t, "POST", base+"/collections", `{"name":"a"}`, "Content-Type: application/x-www-form-urlencoded"),
			http.StatusUnsupportedMediaType, "unsupported-media-type", []string{"“Content-Type: application/json”"}},
		"no query":       {get(t, base+"/collections/demo/search"), 422, "invalid-request", []string{"empty", "q", "image"}},
		"an empty query": {get(t, base+"/collections/demo/search?q="), 422, "invalid-request", []string{"empty", "q", "image"}},
	} {
		wantProblem(t, test.answer, test.status, test.kind)
		for _, want := range test.words {
			if !strings.Contains(test.answer.body, want) {
				t.Errorf("%s: no %q in %s", label, want, test.answer.body)
			}
		}
	}
}
