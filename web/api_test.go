package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"polylens/indexer"
	"polylens/indexer/catalog"
	"polylens/search"
	"polylens/web"
	"polylens/web/webtest"
)

type hits struct {
	Hits []struct {
		ID       string         `json:"id"`
		URI      string         `json:"uri"`
		Score    float64        `json:"score"`
		Metadata map[string]any `json:"metadata"`
		Caption  *web.Caption   `json:"caption"`
		Width    int            `json:"width"`
	} `json:"hits"`
	Next string `json:"next"`
}

func (h hits) ids() []string {
	found := make([]string, len(h.Hits))
	for i, hit := range h.Hits {
		found[i] = hit.ID
	}
	return found
}

func searchURL(server *webtest.Server, params url.Values) string {
	return server.URL + "/api/v1/collections/demo/search?" + params.Encode()
}

func TestSearchByText(t *testing.T) {
	server := webtest.NewServer(t)
	found := as[hits](t, get(t, searchURL(server, url.Values{"q": {"рыба"}, "limit": {"6"}}), "Accept-Language: hi-IN, en"))
	if len(found.Hits) != 6 || found.Next == "" {
		t.Fatalf("got %d hits and next %q", len(found.Hits), found.Next)
	}
	for i, hit := range found.Hits {
		if !strings.HasPrefix(hit.ID, "fish-") || hit.URI != "file:///pictures/"+hit.ID+".png" || hit.Width == 0 ||
			hit.Metadata["group"] != "animals" || hit.Caption == nil || hit.Caption.Text != "मछली" {
			t.Errorf("hit %d is %+v", i, hit)
		}
		if i > 0 && hit.Score > found.Hits[i-1].Score {
			t.Errorf("hit %d is better than the one before", i)
		}
	}
}

func TestSearchPagesAndFilters(t *testing.T) {
	server := webtest.NewServer(t)
	params := url.Values{"q": {"heart"}, "limit": {"7"}, "filter": {`{"or":[{"field":"group","eq":"animals"},{"field":"tags","contains":"boat"}]}`}}
	var joined []string
	for {
		page := as[hits](t, get(t, searchURL(server, params)))
		joined = append(joined, page.ids()...)
		if page.Next == "" {
			break
		}
		params.Set("cursor", page.Next)
	}
	slices.Sort(joined)
	if len(slices.Compact(joined)) != 2*webtest.Variants {
		t.Errorf("fish and boats are %d pictures, got %q", 2*webtest.Variants, joined)
	}
}

func TestSearchByPictureFindsItself(t *testing.T) {
	server := webtest.NewServer(t)
	file := server.Library.File("tree-3")
	var form bytes.Buffer
	writer := multipart.NewWriter(&form)
	part, err := writer.CreateFormFile("picture", "bäume.png")
	if err == nil {
		_, err = part.Write(file)
	}
	if err := errors.Join(err, writer.Close()); err != nil {
		t.Fatal(err)
	}
	address := searchURL(server, url.Values{"limit": {"3"}})
	for label, r := range map[string]reply{
		"raw":     send(t, http.MethodPost, address, string(file), "Content-Type: image/png"),
		"untyped": send(t, http.MethodPost, address, string(file)),
		"form":    send(t, http.MethodPost, address, form.String(), "Content-Type: "+writer.FormDataContentType()),
	} {
		found := as[hits](t, r)
		if len(found.Hits) != 3 || found.Hits[0].ID != "tree-3" || found.Hits[0].Score < 0.9999 {
			t.Errorf("%s: %d %s", label, r.status, r.body)
		}
	}
	like := as[hits](t, get(t, searchURL(server, url.Values{"image": {"tree-3"}, "limit": {"5"}})))
	for _, id := range like.ids() {
		if !strings.HasPrefix(id, "tree-") || id == "tree-3" {
			t.Errorf("more like tree-3: %q", like.ids())
		}
	}
}

func TestCollections(t *testing.T) {
	server := webtest.NewServer(t)
	base := server.URL + "/api/v1/collections"
	created := send(t, http.MethodPost, base, `{"name":"new-one"}`, "Content-Type: application/json")
	if created.status != http.StatusCreated || created.header.Get("Location") != "/api/v1/collections/new-one" {
		t.Fatalf("%d %s %s", created.status, created.header.Get("Location"), created.body)
	}
	wantProblem(t, send(t, http.MethodPost, base, `{"name":"new-one"}`, "Content-Type: application/json"), http.StatusConflict, "conflict")
	wantProblem(t, send(t, http.MethodPost, base, `{"name":"../x"}`, "Content-Type: application/json"), http.StatusUnprocessableEntity, "invalid-request")
	listed := as[struct{ Collections []web.Collection }](t, get(t, base)).Collections
	if len(listed) != 2 || listed[0].Name != "demo" || listed[0].Images != 60 || listed[1].Images != 0 {
		t.Errorf("%+v", listed)
	}
	if one := as[web.Collection](t, get(t, base+"/demo")); !one.Searchable || one.Model != webtest.Fingerprint {
		t.Errorf("%+v", one)
	}
	if r := send(t, http.MethodDelete, base+"/new-one", ""); r.status != http.StatusNoContent || r.body != "" {
		t.Errorf("%d %q", r.status, r.body)
	}
	wantProblem(t, get(t, base+"/new-one"), http.StatusNotFound, "collection-not-found")
}

func TestRenameCollection(t *testing.T) {
	server := webtest.NewServer(t)
	base := server.URL + "/api/v1/collections"
	send(t, http.MethodPost, base, `{"name":"other"}`, "Content-Type: application/json")
	rename := func(name, body string) reply {
		t.Helper()
		return send(t, http.MethodPatch, base+"/"+name, body, "Content-Type: application/json")
	}
	wantProblem(t, rename("missing", `{"name":"new"}`), http.StatusNotFound, "collection-not-found")
	wantProblem(t, rename("demo", `{"name":"other"}`), http.StatusConflict, "conflict")
	for _, bad := range []string{`{"name":"../x"}`, `{"name":""}`, `{}`, `{"name":"new","more":1}`} {
		wantProblem(t, rename("demo", bad), http.StatusUnprocessableEntity, "invalid-request")
	}
	type found struct{ Hits []web.Hit }
	before := as[found](t, get(t, base+"/demo/search?q=house"))
	if renamed := as[web.Collection](t, rename("demo", `{"name":"new"}`)); renamed.Name != "new" || renamed.Images != 60 || !renamed.Searchable {
		t.Errorf("%+v", renamed)
	}
	if after := as[found](t, get(t, base+"/new/search?q=house")); len(after.Hits) == 0 || !reflect.DeepEqual(after, before) {
		t.Errorf("found %+v, and before %+v", after, before)
	}
	wantProblem(t, get(t, base+"/demo"), http.StatusNotFound, "collection-not-found")
}

func TestMaxNumPatches(t *testing.T) {
	server := webtest.NewServer(t)
	base := server.URL + "/api/v1"
	chosen := func(name string) int {
		t.Helper()
		return as[web.Collection](t, get(t, base+"/collections/"+name)).MaxNumPatches
	}
	created := as[web.Collection](t, send(t, http.MethodPost, base+"/collections", `{"name":"fine","max_num_patches":576}`, "Content-Type: application/json"))
	if created.MaxNumPatches != 576 || chosen("fine") != 576 || chosen("demo") != 0 {
		t.Errorf("created %+v, then %d; the demo chose %d", created, chosen("fine"), chosen("demo"))
	}
	folder := fmt.Sprintf("%q", t.TempDir())
	for _, step := range []struct {
		choice string
		want   int
	}{{`,"max_num_patches":64`, 64}, {``, 64}} {
		r := send(t, http.MethodPost, base+"/collections/fine/jobs", `{"source":{"directory":`+folder+`}`+step.choice+`}`, "Content-Type: application/json")
		if r.status != http.StatusAccepted || chosen("fine") != step.want {
			t.Errorf("%s: %d %s, %d patches", step.choice, r.status, r.body, chosen("fine"))
		}
	}
	if model := as[web.Info](t, get(t, base+"/info")).Model; model.MaxNumPatches != 256 {
		t.Errorf("%+v", model)
	}
}

func TestImages(t *testing.T) {
	server := webtest.NewServer(t)
	base := server.URL + "/api/v1/collections/demo/images"
	type page struct {
		Images []web.Image `json:"images"`
		Next   string      `json:"next"`
	}
	first := as[page](t, get(t, base+"?limit=50"))
	second := as[page](t, get(t, base+"?limit=50&cursor="+url.QueryEscape(first.Next)))
	if len(first.Images) != 50 || len(second.Images) != 10 || second.Next != "" {
		t.Errorf("pages of %d and %d, then %q", len(first.Images), len(second.Images), second.Next)
	}
	one := as[web.FullImage](t, get(t, base+"/boat-2"))
	if len(one.Captions) != 6 || one.Width != 400 || one.Color == "" || one.Caption.Text != "boat" {
		t.Errorf("%+v", one)
	}
	wantProblem(t, get(t, base+"/nothing"), http.StatusNotFound, "image-not-found")
}

func TestPicturesAreServedSafely(t *testing.T) {
	server := webtest.NewServer(t)
	base := server.URL + "/api/v1/collections/demo/images/boat-2"
	original := get(t, base+"/original")
	if original.body != string(server.Library.File("boat-2")) {
		t.Error("the original is not the file")
	}
	for name, want := range map[string]string{
		"Content-Type": "image/png", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox",
		"Content-Disposition": "inline; filename*=UTF-8''boat-2.png", "ETag": `"boat-2"`, "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := original.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if r := get(t, base+"/original", "If-None-Match: \"boat-2\""); r.status != http.StatusNotModified {
		t.Errorf("unchanged: %d", r.status)
	}
	if r := get(t, base+"/original", "Range: bytes=0-7"); r.status != http.StatusPartialContent || r.body != "\x89PNG\r\n\x1a\n" {
		t.Errorf("range: %d %q", r.status, r.body)
	}
	small := get(t, base+"/thumbnail?size=100")
	size, _, err := image.DecodeConfig(strings.NewReader(small.body))
	if err != nil || size.Height != 100 {
		t.Errorf("thumbnail of %+v: %v", size, err)
	}
	wantProblem(t, get(t, base+"/thumbnail?size=100000"), http.StatusUnprocessableEntity, "invalid-request")
	wantProblem(t, get(t, server.URL+"/api/v1/collections/demo/images/zz/thumbnail"), http.StatusNotFound, "image-not-found")
}

// hostile answers a file that claims to be a page.
type hostile struct{ web.Pictures }

func (h hostile) Original(ctx context.Context, collection, id string) (*indexer.Original, error) {
	original, err := h.Pictures.Original(ctx, collection, id)
	original.ContentType, original.Name = "text/html", "a\"\r\nX-Evil: 1;ü.svg"
	return original, err
}

func TestPagesAmongThePicturesAreNotShown(t *testing.T) {
	server := webtest.NewServer(t, func(c *web.Config) { c.Pictures = hostile{c.Pictures} })
	r := get(t, server.URL+"/api/v1/collections/demo/images/boat-2/original")
	want := "attachment; filename*=UTF-8''a%22%0D%0AX-Evil%3A%201%3B%C3%BC.svg"
	if r.header.Get("Content-Type") != "application/octet-stream" || r.header.Get("Content-Disposition") != want {
		t.Errorf("%q, %q", r.header.Get("Content-Type"), r.header.Get("Content-Disposition"))
	}
}

func TestProblems(t *testing.T) {
	server := webtest.NewServer(t, func(c *web.Config) { c.MaxUploadBytes = 1000 })
	file := filepath.Join(t.TempDir(), "a file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		method, path, body string
		status             int
		kind               string
	}{
		"no query":             {"GET", "/collections/demo/search", "", 422, "invalid-request"},
		"blank query":          {"GET", "/collections/demo/search?q=%20", "", 422, "invalid-request"},
		"query and image":      {"GET", "/collections/demo/search?q=a&image=b", "", 422, "invalid-request"},
		"unknown collection":   {"GET", "/collections/nowhere/search?q=a", "", 404, "collection-not-found"},
		"unknown image":        {"GET", "/collections/demo/search?image=zz", "", 404, "image-not-found"},
		"limit 0":              {"GET", "/collections/demo/search?q=a&limit=0", "", 422, "invalid-request"},
		"limit text":           {"GET", "/collections/demo/search?q=a&limit=x", "", 422, "invalid-request"},
		"limit too large":      {"GET", "/collections/demo/search?q=a&limit=1001", "", 422, "invalid-request"},
		"foreign cursor":       {"GET", "/collections/demo/search?q=a&cursor=AAAA", "", 422, "invalid-request"},
		"bad filter":           {"GET", "/collections/demo/search?q=a&filter=%7B%7D", "", 422, "invalid-request"},
		"unknown parameter":    {"GET", "/collections/demo/search?q=a&qq=b", "", 422, "invalid-request"},
		"no picture":           {"POST", "/collections/demo/search", "", 400, "invalid-request"},
		"broken picture":       {"POST", "/collections/demo/search", "no picture", 422, "picture-not-usable"},
		"huge picture":         {"POST", "/collections/demo/search", strings.Repeat("x", 1001), 413, "too-large"},
		"nothing here":         {"GET", "/nothing", "", 404, "not-found"},
		"wrong method":         {"PUT", "/collections", "", 405, "method-not-allowed"},
		"deep wrong method":    {"POST", "/collections/demo/images/x/original", "", 405, "method-not-allowed"},
		"no JSON":              {"POST", "/collections", "{", 400, "invalid-request"},
		"unknown job":          {"GET", "/jobs/zz", "", 404, "not-found"},
		"cancel unknown job":   {"DELETE", "/jobs/zz", "", 404, "not-found"},
		"events without WS":    {"GET", "/jobs/events", "", 426, "upgrade-required"},
		"folder missing":       {"POST", "/collections/x/jobs", `{"source":{"directory":"/no/such/folder"}}`, 422, "folder-not-usable"},
		"folder relative":      {"POST", "/collections/x/jobs", `{"source":{"directory":"pictures"}}`, 422, "folder-not-usable"},
		"folder is a file":     {"POST", "/collections/x/jobs", fmt.Sprintf(`{"source":{"directory":%q}}`, file), 422, "folder-not-usable"},
		"folder with zero":     {"POST", "/collections/x/jobs", `{"source":{"directory":"/tmp/\u0000"}}`, 400, "invalid-request"},
		"half a character":     {"POST", "/collections/x/jobs", `{"source":{"directory":"/tmp/\ud83d"}}`, 400, "invalid-request"},
		"body not UTF-8":       {"POST", "/collections/x/jobs", "{\"source\":{\"directory\":\"/tmp/\xff\"}}", 400, "invalid-request"},
		"path with zero":       {"GET", "/collections/x%00/images", "", 422, "invalid-request"},
		"path not UTF-8":       {"GET", "/collections/x/images/%ff", "", 422, "invalid-request"},
		"zero in a parameter":  {"GET", "/collections/x/search?q=red%00apple", "", 422, "invalid-request"},
		"parameter not UTF-8":  {"GET", "/collections/x/images?cursor=%ff", "", 422, "invalid-request"},
		"live, not UTF-8":      {"GET", "/jobs/events?x=%ff", "", 422, "invalid-request"},
		"nothing visible":      {"GET", "/collections/x/search?q=%EF%BB%BF%E2%80%8B%C2%A0", "", 422, "invalid-request"},
		"no folder":            {"POST", "/collections/x/jobs", `{"source":{}}`, 422, "invalid-request"},
		"bad collection name":  {"POST", "/collections/X!/jobs", `{"source":{"directory":"/"}}`, 422, "invalid-request"},
		"source of other kind": {"POST", "/collections/x/jobs", `{"source":{"url":"http://localhost"}}`, 422, "invalid-request"},
		"too few patches":      {"POST", "/collections", `{"name":"x","max_num_patches":63}`, 422, "invalid-request"},
		"too many patches":     {"POST", "/collections/x/jobs", `{"source":{"directory":"/"},"max_num_patches":1025}`, 422, "invalid-request"},
		"patches of no model":  {"POST", "/collections", `{"name":"x","max_num_patches":1000}`, 422, "invalid-request"},
		"patches of no job":    {"POST", "/collections/x/jobs", `{"source":{"directory":"/"},"max_num_patches":1000}`, 422, "invalid-request"},
	}
	for label, test := range tests {
		t.Run(label, func(t *testing.T) {
			r := send(t, test.method, server.URL+"/api/v1"+test.path, test.body, "Content-Type: application/json")
			wantProblem(t, r, test.status, test.kind)
		})
	}
	r := send(t, "PUT", server.URL+"/api/v1/collections", "")
	if got := r.header.Get("Allow"); got != "GET, POST" {
		t.Errorf("Allow is %q", got)
	}
}

// failing answers every search with an error, or panics.
type failing struct {
	web.Searcher
	err error
}

func (f failing) ByText(context.Context, string, string, search.Options) (search.Results, error) {
	if f.err == nil {
		panic("secret of the inside")
	}
	return search.Results{}, f.err
}

func TestFailuresBehindTheAPI(t *testing.T) {
	secret := errors.New("secret of the inside")
	tests := map[string]struct {
		err    error
		status int
		kind   string
	}{
		"Milvus down":    {fmt.Errorf("search: %w", search.ErrUnavailable), 503, "unavailable"},
		"too slow":       {fmt.Errorf("search: %w", context.DeadlineExceeded), 504, "timeout"},
		"other model":    {&search.ModelMismatchError{Collection: "demo", Indexed: "a", Loaded: "b"}, 409, "model-mismatch"},
		"anything else":  {secret, 500, "internal"},
		"a panic":        {nil, 500, "internal"},
		"its own answer": {fmt.Errorf("%w: no such thing", catalog.ErrNotFound), 404, "not-found"},
	}
	for label, test := range tests {
		t.Run(label, func(t *testing.T) {
			server := webtest.NewServer(t, func(c *web.Config) { c.Search = failing{err: test.err} })
			r := get(t, searchURL(server, url.Values{"q": {"a"}}))
			wantProblem(t, r, test.status, test.kind)
			if strings.Contains(r.body, "secret") {
				t.Errorf("the answer tells: %s", r.body)
			}
		})
	}
}

func TestHealth(t *testing.T) {
	var down error
	server := webtest.NewServer(t, func(c *web.Config) { c.Ready = func(context.Context) error { return down } })
	if r := get(t, server.URL+"/healthz"); r.status != 200 || r.body != "alive\n" {
		t.Errorf("%+v", r)
	}
	if r := get(t, server.URL+"/readyz"); r.status != 200 || r.body != "ready\n" {
		t.Errorf("%+v", r)
	}
	down = errors.New("Milvus is starting")
	wantProblem(t, get(t, server.URL+"/readyz"), 503, "unavailable")
	info := as[web.Info](t, get(t, server.URL+"/api/v1/info"))
	if !info.Folders || !info.Model.Bundled || info.Version != "test" {
		t.Errorf("%+v", info)
	}
}
