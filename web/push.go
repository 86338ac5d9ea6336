package web

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"polylens/indexer"
	"polylens/indexer/catalog"
)

// pushLimit bounds the time that the body of a push takes to arrive.
const pushLimit = 24 * time.Hour

// pushTypes are the media types of lines of JSON.
var pushTypes = []string{"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"}

// archiveTypes are the media types of archives of pictures. What an archive is, is told
// by its bytes.
var archiveTypes = []string{"application/zip", "application/x-zip-compressed", "application/x-tar", "application/gzip", "application/x-gzip",
	"application/zstd", "application/x-xz", "application/x-bzip2", "application/x-gtar", "application/x-webdataset",
	"application/vnd.apache.parquet", "application/x-parquet"}

// formType is that of several files.
const formType = "multipart/form-data"

// isPush reports whether a request brings many pictures, which are read as they come.
func isPush(r *http.Request) bool {
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/jobs") {
		return false
	}
	kind := mediaTypeOf(r)
	return kind == formType || slices.Contains(pushTypes, kind) || slices.Contains(archiveTypes, kind)
}

func mediaTypeOf(r *http.Request) string {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return kind
}

// pushed answers the creation of a job by lines of JSON; the library would have its body
// in memory.
func (s *server) pushed(ctx huma.Context, next func(huma.Context)) {
	r, w := humachi.Unwrap(ctx)
	if !isPush(r) {
		next(ctx)
		return
	}
	job, err := s.receivePush(r, w, ctx.Param("name"))
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeWait)) // that of the server may have passed while the body came
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Location", apiPrefix+"/jobs/"+job.ID)
	w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(w).Encode(newJob(job)) // the client may be gone: the job is queued all the same
}

func (s *server) receivePush(r *http.Request, w http.ResponseWriter, collection string) (catalog.Job, error) {
	ctx, stop := s.whileAllowed(r.Context())
	defer stop()
	body := newSteady(w, r, s.Limits.Stall)
	defer body.close()
	body.allow(1 << 50)
	encoding := strings.ToLower(strings.TrimSpace(r.Header.Get("Content-Encoding")))
	if slices.Contains(archiveTypes, mediaTypeOf(r)) && encoding != "" && encoding != "identity" {
		return catalog.Job{}, newProblem(kindEncoding, "an archive comes without Content-Encoding: it is packed already, or may be (.tar.gz)")
	}
	lines, end, err := decompressed(untilDone{ctx, body}, encoding)
	if err != nil {
		return catalog.Job{}, err
	}
	defer end()
	options, err := pushOptions(r)
	if err != nil {
		return catalog.Job{}, err
	}
	job, err := s.receiveAny(r.WithContext(ctx), s.Pushes.With(options), collection, lines)
	switch {
	case err != nil && errors.Is(context.Cause(ctx), errRightsEnded):
		return job, unknown("the credentials have ended while the body came")
	case err != nil && body.failed != nil:
		return job, unreadable(body.failed)
	case errors.Is(err, errCompressed):
		return job, newProblem(kindUnreadable, err.Error())
	}
	return job, err
}

// untilDone reads until a context ends.
type untilDone struct {
	ctx    context.Context
	source io.Reader
}

// Read implements io.Reader.
func (u untilDone) Read(into []byte) (int, error) {
	if err := context.Cause(u.ctx); err != nil {
		return 0, err
	}
	return u.source.Read(into)
}

func (s *server) receiveAny(r *http.Request, to indexer.Receiver, collection string, content io.Reader) (catalog.Job, error) {
	switch kind := mediaTypeOf(r); {
	case kind == formType:
		return s.receiveFiles(r, to, collection, content)
	case slices.Contains(archiveTypes, kind):
		return to.ReceiveArchive(r.Context(), collection, content)
	}
	return to.Receive(r.Context(), collection, content)
}

// receiveFiles reads a form of files, of which one is in memory at a time.
func (s *server) receiveFiles(r *http.Request, to indexer.Receiver, collection string, content io.Reader) (catalog.Job, error) {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || params["boundary"] == "" {
		return catalog.Job{}, newProblem(kindUnreadable, "the form has no boundary")
	}
	form := multipart.NewReader(content, params["boundary"])
	holds := s.bodies.hold(r.Context())
	defer holds.giveBack()
	return to.ReceiveFiles(r.Context(), collection, func() (string, []byte, error) {
		holds.giveBack() // of the file before
		part, err := form.NextRawPart()
		if errors.Is(err, io.EOF) {
			return "", nil, io.EOF
		}
		if err != nil {
			return "", nil, newProblem(kindUnreadable, "the form ends too early, or cannot be read")
		}
		name := fileNameOf(part)
		if name == "" {
			return "", nil, newProblem(kindInvalid, fmt.Sprintf("the form has a field %.40q that is no file; send lines of JSON to say more about pictures", part.FormName()))
		}
		data, err := holds.read(part, -1, s.MaxUploadBytes)
		return name, data, err
	})
}

// fileNameOf is the name of a file in a form as it was sent, with its folders.
func fileNameOf(part *multipart.Part) string {
	_, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	if err != nil {
		return ""
	}
	return params["filename"]
}

// describePush adds lines of JSON to what the creation of a job takes.
func describePush(api *huma.OpenAPI) {
	create := api.Paths[apiPrefix+"/collections/{name}/jobs"].Post
	create.RequestBody.Content[pushTypes[0]] = &huma.MediaType{Schema: &huma.Schema{
		Type: huma.TypeString,
		Description: "One JSON object a line: {\"op\":\"upsert\"|\"patch\"|\"delete\",\"id\":…,\"data\":…,\"metadata\":{…},\"captions\":{…}}. " +
			"“id” is the client's own, of up to 512 bytes; “data” is the picture's file in base64, or as a data URI, of an upsert; in its place “sha256” may name a picture that the collection has already, “url” where it is fetched from (public addresses only, unless the server allows others), “path” a file of the server below a folder that it reads for clients, or “key” one in its bucket. Metadata and captions of a patch are merged into what is there (RFC 7396). " +
			"Lines with the same id are done in their order. A line that cannot be used is an item that fails, and harms no other",
	}}
	describeArchives(create)
}

// describeArchives adds archives and files to what the creation of a job takes.
func describeArchives(create *huma.Operation) {
	binary := &huma.Schema{Type: huma.TypeString, Format: "binary"}
	for _, kind := range []string{"application/zip", "application/x-tar", "application/gzip", "application/zstd", "application/vnd.apache.parquet"} {
		create.RequestBody.Content[kind] = &huma.MediaType{Schema: binary}
	}
	create.RequestBody.Content[formType] = &huma.MediaType{Schema: &huma.Schema{
		Type:        huma.TypeObject,
		Description: "Files; their names are the ids of their images",
		Properties:  map[string]*huma.Schema{"file": {Type: huma.TypeArray, Items: binary}}, AdditionalProperties: false,
	}}
}

// Item is what became of one line of a push.
type Item struct {
	Number    int64             `json:"number" doc:"Of its line, from 1; empty lines do not count"`
	ID        string            `json:"id,omitempty" doc:"The client's own; absent when it could not be read"`
	Operation catalog.Operation `json:"op,omitempty" doc:"upsert, patch or delete; absent when it could not be read"`
	State     catalog.JobState  `json:"state" enum:"succeeded,failed"`
	Outcome   catalog.Outcome   `json:"outcome" enum:"created,updated,unchanged,deleted,failed"`
	Problem   *huma.ErrorModel  `json:"problem,omitempty" doc:"Of one that failed"`
	Note      string            `json:"note,omitempty" doc:"What was said about the picture and could not be used"`
}

func (s *server) newItem(result catalog.ItemResult) Item {
	item := Item{Number: result.Number, ID: result.ID, Operation: result.Operation, State: catalog.JobSucceeded, Outcome: result.Outcome}
	if result.Outcome == catalog.OutcomeFailed {
		item.State = catalog.JobFailed
	}
	if result.Problem != "" {
		item.Problem = itemProblem(result.Problem, result.Detail)
		return item
	}
	item.Note = result.Detail
	return item
}

type listItemsInput struct {
	ID      string `path:"id" maxLength:"64" doc:"Identity of the job"`
	Outcome string `query:"outcome" enum:"created,updated,unchanged,deleted,failed" doc:"Only items with this outcome"`
	After   int64  `query:"after" minimum:"0" doc:"Only items with a higher number, to go on from the last one that was read"`
	Limit   int    `query:"limit" minimum:"1" maximum:"10000000" doc:"Most items; absent: all"`
}

func itemsOperation() huma.Operation {
	o := operation("list-items", http.MethodGet, "/jobs/{id}/items", "jobs",
		"What became of each line of a push, in their order, as lines of JSON", http.StatusNotFound, http.StatusConflict)
	o.Responses = map[string]*huma.Response{"200": {
		Description: "One item a line; those that have no outcome yet are not there",
		Content:     map[string]*huma.MediaType{pushTypes[0]: {Schema: &huma.Schema{Type: huma.TypeString}}},
	}}
	return inLane(o, lanePictures)
}

// itemPage is how many items are read at once.
const itemPage = 1000

// listItems sends what became of the items of a push as they stand in the catalogue, page
// after page. What has no outcome yet is not listed.
func (s *server) listItems(ctx context.Context, input *listItemsInput) (*huma.StreamResponse, error) {
	if _, err := s.job(ctx, input.ID); err != nil { // it may be of a collection that the caller does not see
		return nil, problemOf(ctx, s.Logger, err)
	}
	filter := catalog.ItemFilter{After: input.After, Outcome: catalog.Outcome(input.Outcome), Limit: itemPage}
	items, err := s.Pushes.Items(ctx, input.ID, filter)
	if err != nil {
		return nil, problemOf(ctx, s.Logger, err)
	}
	left := cmp.Or(input.Limit, math.MaxInt)
	return &huma.StreamResponse{Body: func(to huma.Context) {
		to.SetHeader("Content-Type", pushTypes[0])
		encoder := json.NewEncoder(to.BodyWriter())
		for len(items) > 0 && left > 0 {
			items = items[:min(len(items), left)]
			left -= len(items)
			for _, item := range items {
				if encoder.Encode(s.newItem(item)) != nil {
					return
				}
			}
			filter.After = items[len(items)-1].Number
			if items, err = s.Pushes.Items(ctx, input.ID, filter); err != nil {
				panic(http.ErrAbortHandler) // an answer that is cut off must not look whole
			}
		}
	}}, nil
}
