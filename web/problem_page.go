package web

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/negotiation"
)

// problemPage shows a problem to whoever is refused the page itself: it needs nothing else
// of the server, which would be refused as well.
var problemPage = template.Must(template.New("problem").Parse(problemHTML))

//go:embed problem.html
var problemHTML string

// refuse answers a request that no operation has taken up: with a problem, or outside the
// API with a page of the same words for a browser that asks for one.
func refuse(w http.ResponseWriter, r *http.Request, answer *huma.ErrorModel) {
	w.Header().Add("Vary", "Accept")
	var page bytes.Buffer
	if !wantsPage(r) || problemPage.Execute(&page, answer) != nil {
		writeProblem(w, answer)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(answer.Status)
	_, _ = w.Write(page.Bytes()) // the client may be gone
}

// wantsPage reports whether a request prefers HTML to JSON, which has to be named to be
// preferred. The API answers in JSON, whatever is asked for.
func wantsPage(r *http.Request) bool {
	const html = "text/html"
	accepted := strings.ToLower(strings.Join(r.Header.Values("Accept"), ","))
	return !strings.HasPrefix(r.URL.Path, "/api/") &&
		negotiation.SelectQValue(accepted, []string{"application/problem+json", "application/json", html}) == html
}
