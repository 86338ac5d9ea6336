package web_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"polylens/web"
	"polylens/web/webtest"
)

// form is a multipart body with fields, of which “file” is a file, and its type.
func form(t *testing.T, fields ...string) (body, contentType string) {
	t.Helper()
	var text bytes.Buffer
	writer := multipart.NewWriter(&text)
	for i := 0; i < len(fields); i += 2 {
		create := writer.CreateFormField
		if fields[i] == "file" {
			create = func(name string) (io.Writer, error) { return writer.CreateFormFile(name, "a.png") }
		}
		part, err := create(fields[i])
		if err != nil {
			t.Fatal(err)
		}
		_, _ = part.Write([]byte(fields[i+1]))
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return text.String(), "Content-Type: " + writer.FormDataContentType()
}

func drawn(t *testing.T, server *webtest.Server) string {
	t.Helper()
	return string(server.Library.File(webtest.Concepts[0].Name + "-0"))
}

// TestImageComesAndGoes: a picture is sent, read, changed and deleted, under an id of
// whatever form.
func TestImageComesAndGoes(t *testing.T) {
	server := webtest.NewServer(t)
	images := server.URL + "/api/v1/collections/shop/images"
	const id = "aisle 7/100% blue? ü"
	body, contentType := form(t, "metadata", `{"price": 3}`, "file", drawn(t, server), "id", id)
	created := send(t, http.MethodPost, images, body, contentType)
	image := as[web.FullImage](t, created)
	if created.status != http.StatusCreated || image.ID != id || image.Metadata["price"] != 3.0 {
		t.Fatalf("got %d %s", created.status, created.body)
	}
	address := server.URL + created.header.Get("Location")
	if !strings.HasSuffix(address, "/images/"+url.PathEscape(id)) {
		t.Errorf("it is said to be at %s", address)
	}
	if found := get(t, address); found.status != http.StatusOK || as[web.FullImage](t, found).ID != id {
		t.Errorf("got %d %s", found.status, found.body)
	}
	if replaced := send(t, http.MethodPut, address, drawn(t, server), "Content-Type: image/png"); replaced.status != http.StatusOK {
		t.Errorf("replaced: got %d %s", replaced.status, replaced.body)
	}
	patched := send(t, http.MethodPatch, address, `{"metadata": {"shop": "Kiel"}}`, "Content-Type: application/json")
	if patched.status != http.StatusOK || as[web.FullImage](t, patched).Metadata["shop"] != "Kiel" {
		t.Errorf("patched: got %d %s", patched.status, patched.body)
	}
	if deleted := send(t, http.MethodDelete, address, ""); deleted.status != http.StatusNoContent {
		t.Errorf("deleted: got %d %s", deleted.status, deleted.body)
	}
	wantProblem(t, get(t, address), http.StatusNotFound, "image-not-found")
}

// TestImageRefused: forms and pictures that cannot be used.
func TestImageRefused(t *testing.T) {
	server := webtest.NewServer(t)
	images := server.URL + "/api/v1/collections/shop/images"
	for name, fields := range map[string][]string{
		"no file": {"metadata", "{}"}, "two files": {"file", "a", "file", "b"}, "empty file": {"file", ""}, "no picture": {"file", "text"},
	} {
		body, contentType := form(t, fields...)
		t.Log(name)
		wantProblem(t, send(t, http.MethodPost, images, body, contentType), http.StatusUnprocessableEntity, "picture-not-usable")
	}
	body, contentType := form(t, "file", drawn(t, server), "price", "3")
	wantProblem(t, send(t, http.MethodPost, images, body, contentType), http.StatusUnprocessableEntity, "invalid-request")
	wantProblem(t, send(t, http.MethodPost, images+"?id=a%0Ab", drawn(t, server), "Content-Type: image/png"), http.StatusUnprocessableEntity, "invalid-request")
	wantProblem(t, send(t, http.MethodDelete, images+"/none", ""), http.StatusNotFound, "image-not-found")
}

// TestPush: lines are accepted in every encoding, and each is accounted for.
func TestPush(t *testing.T) {
	server := webtest.NewServer(t)
	jobs := server.URL + "/api/v1/collections/shop/jobs"
	lines := strings.Repeat("{}\n", 2500)
	var zipped bytes.Buffer
	writer := gzip.NewWriter(&zipped)
	_, _ = writer.Write([]byte(lines))
	_ = writer.Close()
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for encoding, body := range map[string]string{"": lines, "gzip": zipped.String(), "zstd": string(encoder.EncodeAll([]byte(lines), nil))} {
		accepted := send(t, http.MethodPost, jobs, body, "Content-Type: application/x-ndjson", "Content-Encoding: "+encoding)
		job := as[web.Job](t, accepted)
		if accepted.status != http.StatusAccepted || job.Kind != "push" || job.Counts.Total != 2500 || accepted.header.Get("Location") != "/api/v1/jobs/"+job.ID {
			t.Fatalf("%q: got %d %s", encoding, accepted.status, accepted.body)
		}
		items := get(t, server.URL+"/api/v1/jobs/"+job.ID+"/items?after=10&limit=2000")
		found := strings.Split(strings.TrimSpace(items.body), "\n")
		var first web.Item
		if err := json.Unmarshal([]byte(found[0]), &first); err != nil {
			t.Fatal(err)
		}
		if len(found) != 2000 || first.Number != 11 || first.Problem == nil || first.Problem.Status != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d items, the first is %+v", encoding, len(found), first)
		}
	}
	wantProblem(t, send(t, http.MethodPost, jobs, lines, "Content-Type: application/x-ndjson", "Content-Encoding: br"), http.StatusUnsupportedMediaType, "unsupported-media-type")
	wantProblem(t, send(t, http.MethodPost, jobs, zipped.String(), "Content-Type: application/zip", "Content-Encoding: gzip"), http.StatusUnsupportedMediaType, "unsupported-media-type")
	wantProblem(t, send(t, http.MethodPost, jobs, "no gzip", "Content-Type: application/x-ndjson", "Content-Encoding: gzip"), http.StatusBadRequest, "request-unreadable")
	wantProblem(t, send(t, http.MethodPost, jobs, "", "Content-Type: application/x-ndjson"), http.StatusUnprocessableEntity, "invalid-request")
}

// TestListImagesChooses by metadata, and deletes what it chooses.
func TestListImagesChooses(t *testing.T) {
	server := webtest.NewServer(t)
	images := server.URL + "/api/v1/collections/demo/images"
	animals := "filter=" + url.QueryEscape(`{"field":"group","eq":"animals"}`)
	var list struct{ Images []web.Image }
	found := get(t, images+"?"+animals+"&sort=uri")
	if err := json.Unmarshal([]byte(found.body), &list); err != nil || len(list.Images) == 0 {
		t.Fatalf("got %d %s", found.status, found.body)
	}
	for _, image := range list.Images {
		if image.Metadata["group"] != "animals" {
			t.Errorf("found %+v", image)
		}
	}
	deleted := send(t, http.MethodDelete, images+"?"+animals, "")
	if job := as[web.Job](t, deleted); deleted.status != http.StatusAccepted || job.Counts.Total != len(list.Images) {
		t.Errorf("got %d %s", deleted.status, deleted.body)
	}
	wantProblem(t, send(t, http.MethodDelete, images, ""), http.StatusUnprocessableEntity, "invalid-request")
	nothing := url.QueryEscape(`{"field":"group","eq":"no such"}`)
	wantProblem(t, send(t, http.MethodDelete, images+"?filter="+nothing, ""), http.StatusUnprocessableEntity, "invalid-request")
	wantProblem(t, get(t, images+"?filter=%7B"), http.StatusUnprocessableEntity, "invalid-request")
}
